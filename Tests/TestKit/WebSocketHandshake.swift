/// The request that opens a WebSocket, with the example's key of RFC 6455, 1.3.
package enum WebSocketHandshake {
    /// Its request line and headers, without the empty line that ends it.
    package static let head = """
        GET /mqtt HTTP/1.1\r
        Host: broker.example.org\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
        Sec-WebSocket-Version: 13\r
        Sec-WebSocket-Protocol: mqtt\r

        """
    package static let request = head + "\r\n"
}
