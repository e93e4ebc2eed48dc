import TestKit

/// An MQTT-SN node that publishes numbered messages one by one, at QoS 1 or 2. It registers its topic once: the id has to mean
/// the same after every death of the gateway.
final class NodePublisher {
    private let link: NodeLink
    private let publisher: UInt32
    private let isExactlyOnce: Bool
    private let account: Shared<Account>
    private var messageID: UInt16 = 1

    init(_ publisher: UInt32, isExactlyOnce: Bool, _ gateway: MortalGateway, _ account: Shared<Account>) {
        link = NodeLink("node-\(publisher)", gateway, account)
        self.publisher = publisher
        self.isExactlyOnce = isExactlyOnce
        self.account = account
        account.change { $0.enter(publisher, Account.Publisher(isExactlyOnce: isExactlyOnce, retains: false)) }
    }

    func run() async throws {
        guard try await link.follow() else { return }
        try await link.connect()
        let registered = try await link.request(
            NodeLink.Kind.register, [0, 0] + big(messageID) + Array("chaos/\(publisher)".utf8)
        ) { $0.kind == NodeLink.Kind.regack && $0.body.last == 0 }
        guard let topicID = registered?.body.prefix(2) else { return }
        var number: UInt64 = 0
        while !account.read({ $0.isEnding }), !link.isOver {
            messageID = messageID == .max ? 1 : messageID + 1
            guard try await publish(number, Array(topicID)) else { return }
            number += 1
        }
        account.change { $0.finish(self.publisher) }
    }

    /// - Returns: false when no gateway lives any more.
    private func publish(_ number: UInt64, _ topicID: [UInt8]) async throws -> Bool {
        let rest = topicID + big(messageID) + NumberedPayload.make(publisher, number)
        let qos: UInt8 = isExactlyOnce ? 0x40 : 0x20
        let identifier = big(messageID)
        let answer = try await link.request(NodeLink.Kind.publish, [qos] + rest, repetition: [qos | 0x80] + rest) {
            message in
            switch message.kind {
            case NodeLink.Kind.puback: Array(message.body[2..<4]) == identifier
            case NodeLink.Kind.pubrec: message.body == identifier
            default: false
            }
        }
        guard let answer else { return false }
        guard answer.kind == (isExactlyOnce ? NodeLink.Kind.pubrec : NodeLink.Kind.puback),
            isExactlyOnce || answer.body.last == 0
        else {
            link.violate("PUBLISH answered \(answer.kind) \(answer.body)")
            return false
        }
        account.change { $0.acknowledge(number, of: self.publisher) }
        guard isExactlyOnce else { return true }
        return try await link.request(NodeLink.Kind.pubrel, identifier) { message in
            message.kind == NodeLink.Kind.pubcomp && message.body == identifier
        } != nil
    }
}
