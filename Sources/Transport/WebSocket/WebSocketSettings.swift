/// What a listener accepts as a WebSocket (RFC 6455).
package struct WebSocketSettings: Sendable, Equatable {
    /// Path of the request: `/mqtt`.
    package var path: String
    /// Acceptable subprotocols, the preferred one first. A client has to offer one of them.
    package var subprotocols: [String]
    /// Web pages that may connect, as browsers name them, `https://console.example.org`; `*` for every page. A page of the
    /// host it connects to may anyway.
    package var origins: [String] = []
    /// Largest frame accepted, in octets; it is held whole. 125...4,294,967,295.
    package var frameLimit = 1_048_576

    package init(path: String, subprotocols: [String]) {
        self.path = path
        self.subprotocols = subprotocols
    }
}
