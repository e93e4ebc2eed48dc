"""Connects as a proxy does, with a PROXY header before TLS, and prints the reason code of the CONNACK.

    tls_proxy.py PORT CA TRANSPORT VERSION ADDRESS [CERTIFICATE KEY]      TRANSPORT: tls or wss; VERSION: of the PROXY
                                                                          protocol, 1 or 2
"""
import socket
import ssl
import sys

port, authority, transport, version, address = sys.argv[1:6]
CONNECT = bytes.fromhex("101000044d5154540502003c000003646576")

plain = socket.create_connection(("127.0.0.1", int(port)))
if version == "1":
    plain.sendall(f"PROXY TCP4 {address} 192.0.2.1 50123 8883\r\n".encode())
else:
    addresses = socket.inet_aton(address) + socket.inet_aton("192.0.2.1") + bytes.fromhex("c3cb22b3")
    plain.sendall(bytes.fromhex("0d0a0d0a000d0a515549540a2111") + len(addresses).to_bytes(2, "big") + addresses)
context = ssl.create_default_context(cafile=authority)
if len(sys.argv) > 6:
    context.load_cert_chain(*sys.argv[6:])
tls = context.wrap_socket(plain, server_hostname="localhost")
received = b""
if transport == "wss":
    tls.sendall(
        b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n")
    while b"\r\n\r\n" not in received:
        received += tls.recv(4096)
    # A masked binary frame, the mask all zeroes.
    tls.sendall(bytes([0x82, 0x80 | len(CONNECT), 0, 0, 0, 0]) + CONNECT)
    received = received.split(b"\r\n\r\n", 1)[1]
else:
    tls.sendall(CONNECT)
header = 2 if transport == "wss" else 0
while len(received) < header + 4:
    received += tls.recv(4096)
print("CONNACK", received[header + 3])
