import MQTTCodec
import NIOCore
import TestKit

/// Subscribes once to everything, at QoS 2, and completes every handshake it begins, on whatever connection: identifiers
/// between PUBLISH and PUBREL are kept, so that a repetition is known (MQTT-4.3.3-10).
final class MQTTSubscriber: MQTTClientState {
    let version: ProtocolVersion
    private let clientID: String
    /// Answers with the next tick only, so that a kill finds deliveries at all their stages.
    private let isSlow: Bool
    private let account: Shared<Account>
    private var receiving: Set<PacketIdentifier> = []
    private var unsent: [Packet] = []
    private var hasSession = false
    private var hasSubscribed = false

    init(_ clientID: String, _ version: ProtocolVersion, isSlow: Bool = false, _ account: Shared<Account>) {
        self.clientID = clientID
        self.version = version
        self.isSlow = isSlow
        self.account = account
    }

    func connect() -> Connect { .durable(clientID, version) }

    func connected(isSessionPresent: Bool) -> [Packet] {
        if hasSession, !isSessionPresent {
            account.change { $0.violate("\(self.clientID): the gateway has forgotten the session") }
        }
        hasSession = true
        unsent = []
        guard !hasSubscribed else { return [] }
        return [.subscribe(Subscribe(1, filters: [Subscribe.Filter("chaos/#", qos: .exactlyOnce)]))]
    }

    func receive(_ packet: Packet) -> [Packet] {
        switch packet {
        case .suback:
            hasSubscribed = true
            account.change { $0.subscribed(self.clientID) }
        case .publish(let message): receive(message)
        case .pubrel(let release):
            receiving.remove(release.packetIdentifier)
            unsent.append(.pubcomp(Acknowledgement(release.packetIdentifier)))
        default: account.change { $0.violate("\(self.clientID): unexpected: \(packet)") }
        }
        return isSlow ? [] : takeUnsent()
    }

    private func receive(_ message: Publish) {
        guard let identifier = message.packetIdentifier else {
            return account.change { $0.violate("\(self.clientID): a message came at QoS 0") }
        }
        let answer = Acknowledgement(identifier)
        unsent.append(message.qos == .exactlyOnce ? .pubrec(answer) : .puback(answer))
        if message.qos == .exactlyOnce, !receiving.insert(identifier).inserted { return }
        let payload = Array(message.payload.readableBytesView)
        account.change { $0.receive(payload, as: self.clientID) }
    }

    func tick() -> [Packet] { takeUnsent() }

    private func takeUnsent() -> [Packet] {
        defer { unsent.removeAll() }
        return unsent
    }
}
