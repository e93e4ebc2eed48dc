import DequeModule
import MQTTCodec
import NIOCore
import TestKit

/// Publishes numbered messages at QoS 1 or 2 and keeps what is unacknowledged: on the next connection it sends that again, in
/// order, with DUP and the identifiers it had (MQTT-4.4.0-1).
final class MQTTPublisher: MQTTClientState {
    private struct Open {
        let identifier: PacketIdentifier
        let number: UInt64
        /// PUBREC has come: the gateway owns the message, only the release is open.
        var isReleased = false
    }

    static let window = 8

    let version: ProtocolVersion
    private let publisher: UInt32
    private let qos: QoS
    private let retains: Bool
    private let account: Shared<Account>
    private var open: Deque<Open> = []
    private var nextNumber: UInt64 = 0
    private var lastIdentifier: UInt16 = 0
    private var hasSession = false

    init(_ publisher: UInt32, _ version: ProtocolVersion, _ qos: QoS, retains: Bool = false, _ account: Shared<Account>)
    {
        self.publisher = publisher
        self.version = version
        self.qos = qos
        self.retains = retains
        self.account = account
        account.change { $0.enter(publisher, Account.Publisher(isExactlyOnce: qos == .exactlyOnce, retains: retains)) }
    }

    func connect() -> Connect { .durable("pub-\(publisher)", version) }

    func connected(isSessionPresent: Bool) -> [Packet] {
        if hasSession, !isSessionPresent { violate("the gateway has forgotten the session") }
        hasSession = true
        return open.map { message in
            message.isReleased ? .pubrel(Acknowledgement(message.identifier)) : publish(message, isDuplicate: true)
        }
    }

    func receive(_ packet: Packet) -> [Packet] {
        switch packet {
        case .puback(let answer), .pubrec(let answer): return acknowledged(answer)
        case .pubcomp(let answer):
            open.removeAll { $0.identifier == answer.packetIdentifier }
            return []
        default:
            violate("unexpected: \(packet)")
            return []
        }
    }

    private func acknowledged(_ answer: Acknowledgement) -> [Packet] {
        // A subscriber that has left nothing behind would be a lost subscription.
        if answer.reasonCode != .success { violate("answered \(answer.reasonCode)") }
        guard let index = open.firstIndex(where: { $0.identifier == answer.packetIdentifier }) else {
            violate("acknowledged what was not sent")
            return []
        }
        let number = open[index].number
        account.change { $0.acknowledge(number, of: self.publisher) }
        guard qos == .exactlyOnce else {
            open.remove(at: index)
            return []
        }
        open[index].isReleased = true
        return [.pubrel(Acknowledgement(answer.packetIdentifier))]
    }

    func tick() -> [Packet] {
        guard open.isEmpty else { return [] }
        guard !account.read({ $0.isEnding }) else {
            account.change { $0.finish(self.publisher) }
            return []
        }
        for _ in 0..<Self.window { begin() }
        return open.map { publish($0, isDuplicate: false) }
    }

    private func begin() {
        lastIdentifier = lastIdentifier == .max ? 1 : lastIdentifier + 1
        guard let identifier = PacketIdentifier(lastIdentifier) else { return }
        open.append(Open(identifier: identifier, number: nextNumber))
        nextNumber += 1
    }

    private func publish(_ message: Open, isDuplicate: Bool) -> Packet {
        .publish(
            Publish(
                topic: ByteBuffer(string: "chaos/\(publisher)"),
                payload: ByteBuffer(bytes: NumberedPayload.make(publisher, message.number)), qos: qos,
                packetIdentifier: message.identifier, isRetained: retains, isDuplicate: isDuplicate))
    }

    private func violate(_ what: String) { account.change { $0.violate("publisher \(self.publisher): \(what)") } }
}

extension Connect {
    /// Asks for a session that outlives its connections.
    static func durable(_ clientIdentifier: String, _ version: ProtocolVersion) -> Connect {
        Connect(
            version: version, clientIdentifier: clientIdentifier, cleanStart: false,
            properties: version == .v5 ? [.sessionExpiryInterval(86_400)] : [])
    }
}
