/// Port: one protocol's listeners and connections, as the composition root starts and stops them.
///
/// The order is: `bind` for all gateways, then `serve` for all. When one `bind` fails the others are stopped again, so
/// nothing is ever half-started.
public protocol Gateway: Sendable {
    /// Short name for logs, settings and counters: `mqtt`, `mqttsn`, `coap`, `lwm2m`.
    var name: String { get }

    /// Opens the sockets, without taking anything from them yet.
    /// - Returns: one entry per listener, with the port the system chose where the settings say 0.
    func bind() async throws(BindError) -> [Listener]

    /// Begins to serve.
    func serve() async

    /// Stops accepting, tells clients goodbye where the protocol has a word for it, flushes and closes. Returns when all is closed.
    func stop() async

    /// What the gateway counted since its start; names as in metrics, e.g. `datagrams_malformed`.
    func counters() -> [CounterReading]

    /// The connections of each listener; none where a protocol has no connections.
    func connections() -> [ConnectionReading]
}

extension Gateway {
    public func connections() -> [ConnectionReading] { [] }
}

/// One open listener.
public struct Listener: Sendable, Equatable {
    /// Name as in the settings: `mqtt.tcp`.
    public let name: String
    /// For people: `MQTT`, `MQTT-SN`, `CoAP`, `LwM2M`.
    public let protocolName: String
    /// `tcp`, `tls`, `ws`, `wss`, `unix` or `udp`.
    public let transport: String
    /// Numeric address without port; for a unix socket the absolute path.
    public let address: String
    /// 0 for a unix socket.
    public let port: Int
    /// Of a WebSocket: `/mqtt`.
    public let path: String?

    public init(
        name: String, protocolName: String, transport: String, address: String, port: Int, path: String? = nil
    ) {
        self.name = name
        self.protocolName = protocolName
        self.transport = transport
        self.address = address
        self.port = port
        self.path = path
    }
}

/// A listener could not be opened.
public struct BindError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Name as in the settings: `mqtt.tcp`. Its keys are `{listener}.address` and `{listener}.port`.
    public let listener: String
    public let address: String
    public let port: Int
    /// The system's error number, or 0 when the address could not be understood.
    public let errorNumber: Int32
    /// One sentence: what failed and why.
    public let description: String

    public init(listener: String, address: String, port: Int, errorNumber: Int32, description: String) {
        self.listener = listener
        self.address = address
        self.port = port
        self.errorNumber = errorNumber
        self.description = description
    }
}
