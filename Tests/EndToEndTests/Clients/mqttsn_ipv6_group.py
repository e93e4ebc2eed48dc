"""Discovery in an IPv6 group (MQTT-SN 6.1), which a loopback does not carry: on an interface of a network namespace of its own. At the
other end of its wire, in another namespace, a member of the group hears ADVERTISE.

Run by `unshare -rn python3 mqttsn_ipv6_group.py APUS DATA_DIR`. Prints what came.
"""
import os
import socket
import subprocess
import sys
import time

APUS, DATA_DIR = sys.argv[1:]
GROUP, PORT, INTERFACE = "ff12::77", 23884, "sn0"

MEMBER = f"""
import socket, struct, subprocess
input()
subprocess.run(["ip", "link", "set", "sn1", "up"], check=True)
member = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
member.bind(("::", {PORT}))
group = socket.inet_pton(socket.AF_INET6, "{GROUP}") + struct.pack("@I", socket.if_nametoindex("sn1"))
member.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
member.settimeout(40)
print("joined", flush=True)
while True:
    datagram, sender = member.recvfrom(100)
    # The node's searches, and the answers of others, come to the group, too.
    if datagram[1] == 0x00:
        print(datagram.hex(), sender[0], flush=True)
        break
"""

for command in ("link set lo up", f"link add {INTERFACE} type veth peer name sn1"):
    subprocess.run(["ip", *command.split()], check=True)
member = subprocess.Popen(["unshare", "-n", "python3", "-c", MEMBER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
own_namespace = os.readlink("/proc/self/ns/net")
while os.readlink(f"/proc/{member.pid}/ns/net") == own_namespace:
    time.sleep(0.05)
for command in (f"link set sn1 netns {member.pid}", f"link set {INTERFACE} up multicast on"):
    subprocess.run(["ip", *command.split()], check=True)
member.stdin.write("go\n")
member.stdin.flush()
assert member.stdout.readline() == "joined\n"

index = socket.if_nametoindex(INTERFACE)
node = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
node.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
node.settimeout(20)


def own_address_is_ready():
    """Its link-local address is checked for doubles first."""
    try:
        node.sendto(b"\x02\x17", (GROUP, PORT, 0, index))
        return True
    except OSError:
        return False


deadline = time.monotonic() + 20
while not own_address_is_ready() and time.monotonic() < deadline:
    time.sleep(0.1)

switched_off = ["mqtt.tcp", "mqtt.ws", "coap.udp", "lwm2m", "admin.http"]
settings = [f"{section}.enabled=false" for section in switched_off] + [
    "allow_anonymous=true", f"data_dir={DATA_DIR}", "mqttsn.udp.address=::", f"mqttsn.udp.port={PORT}",
    f"mqttsn.advertise.group={GROUP}", f"mqttsn.advertise.interface={INTERFACE}", "mqttsn.advertise.interval=900",
]
apus = subprocess.Popen([APUS, "serve"] + [part for setting in settings for part in ("--set", setting)],
                        stdout=subprocess.PIPE, text=True)
try:
    for line in apus.stdout:
        if line.startswith("Stop with"):
            break
    advertised, gateway = member.stdout.readline().split()
    print("ADVERTISE", advertised, "from a link-local address" if gateway.startswith("fe80:") else gateway)
    node.sendto(bytes.fromhex("030100"), (GROUP, PORT, 0, index))
    answer, gateway = node.recvfrom(100)
    print("GWINFO", answer.hex(), "from a link-local address" if gateway[0].startswith("fe80:") else gateway[0])
    # The answer came from an address that a node can connect to.
    node.sendto(bytes.fromhex("08040401003c6331"), gateway)
    print("CONNACK", node.recv(100).hex())
finally:
    member.kill()
    apus.terminate()
    print("status", apus.wait(20))
