import MQTTCodec
import NIOCore

/// Opens the connections of a run, a bounded number at a time, and closes them when it is over.
final class Connector {
    /// Connections begun and not yet open: less than any listener's backlog.
    static let atOnce = 64
    /// Seconds a durable session outlives its connection: long enough for any run, and gone the next day whatever happens.
    private static let sessionSeconds: UInt32 = 86_400

    private let settings: LoadSettings
    private let address: ResolvedAddress
    private unowned let loop: LoadLoop
    /// In every client id, so that two runs do not throw out each other's clients.
    private let run = String(UInt32.random(in: .min ... .max), radix: 36)
    private var clients: [Client] = []
    private var durable: [String] = []

    init(_ settings: LoadSettings, on loop: LoadLoop) throws(LoadError) {
        self.settings = settings
        self.loop = loop
        address = try ResolvedAddress(host: settings.host, port: settings.port)
    }

    /// Connects one client for each role, in order; CONNACK has come for all of them when this returns.
    /// - Parameter isDurable: their sessions are to outlive the connections.
    @discardableResult
    func connect(
        _ roles: [any ClientRole], named name: String, isDurable: Bool = false
    ) throws(LoadError) -> [Client] {
        if isDurable { durable += roles.indices.map { identifier(name, $0) } }
        return try connectAll(roles, named: name) { connect in
            guard isDurable else { return }
            connect.cleanStart = settings.version == .v5
            connect.properties = [.sessionExpiryInterval(Self.sessionSeconds)]
        }
    }

    /// Connects them again, to the sessions they have.
    func reconnect(_ roles: [any ClientRole], named name: String) throws(LoadError) {
        _ = try connectAll(roles, named: name) { connect in
            connect.cleanStart = false
            connect.properties = [.sessionExpiryInterval(Self.sessionSeconds)]
        }
    }

    /// Ends the durable sessions: a clean session takes the place of each, and ends with its connection.
    func forgetSessions() throws(LoadError) {
        disconnectAll()
        for identifier in durable {
            let client = try open(SilentRole(), identifier) { _ in }
            try loop.run(for: "CONNACK", patience: settings.patience.nanoseconds) { client.isOpen }
            client.disconnect()
        }
        durable = []
        clients = []
    }

    func disconnectAll() {
        for client in clients { client.disconnect() }
        clients = []
    }

    /// Begins one connection, which is not closed with the others.
    func single(_ role: any ClientRole, named name: String, _ number: Int) throws(LoadError) -> Client {
        try open(role, identifier(name, number)) { _ in }
    }

    /// Beginning of client ids that are no other run's.
    func name(_ name: String) -> String { "\(settings.prefix)-\(run)-\(name)" }

    private func identifier(_ name: String, _ number: Int) -> String { "\(self.name(name))-\(number)" }

    private func connectAll(
        _ roles: [any ClientRole], named name: String, adjust: (inout Connect) -> Void
    ) throws(LoadError) -> [Client] {
        let first = clients.count
        for (number, role) in roles.enumerated() {
            clients.append(try open(role, identifier(name, number), adjust))
            guard (number + 1) % Self.atOnce == 0 || number == roles.count - 1 else { continue }
            let begun = clients.suffix(Self.atOnce)
            try loop.run(for: "CONNACK", patience: settings.patience.nanoseconds) { begun.allSatisfy(\.isOpen) }
        }
        return Array(clients[first...])
    }

    private func open(
        _ role: any ClientRole, _ identifier: String, _ adjust: (inout Connect) -> Void
    ) throws(LoadError) -> Client {
        var connect = Connect(
            version: settings.version, clientIdentifier: identifier, userName: settings.userName,
            password: settings.password.map { Secret(ByteBuffer(string: $0)) })
        adjust(&connect)
        return try Client(connect, to: address, role: role, on: loop)
    }
}

/// A client that is there and says nothing.
final class SilentRole: ClientRole {}
