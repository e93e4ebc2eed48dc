import TestKit

/// An MQTT-SN node that subscribes to everything at QoS 2 and sleeps most of the time. What it has received between PUBLISH
/// and PUBREL it knows through sleep and new connections.
final class NodeSleeper {
    private let link: NodeLink
    private let account: Shared<Account>
    private var generator: SeededGenerator
    private var receiving: Set<[UInt8]> = []

    init(_ clientID: String, seed: UInt64, _ gateway: MortalGateway, _ account: Shared<Account>) {
        link = NodeLink(clientID, gateway, account)
        self.account = account
        generator = SeededGenerator(seed: seed)
    }

    func run() async throws {
        guard try await link.follow() else { return }
        try await link.connect(receive)
        let granted = try await link.request(
            NodeLink.Kind.subscribe, [0x40, 0, 1] + Array("chaos/#".utf8), receive: receive
        ) { $0.kind == NodeLink.Kind.suback && $0.body.last == 0 }
        guard granted != nil else { return }
        account.change { $0.subscribed(self.link.clientID) }
        while !link.isOver {
            guard try await goToSleep() else { return }
            try await Task.sleep(for: .milliseconds(Int.random(in: 20...150, using: &generator)))
            guard try await wake() else { return }
        }
    }

    /// DISCONNECT with a duration is answered by DISCONNECT; a gateway that does not know the node may say nothing.
    private func goToSleep() async throws -> Bool {
        let answer = try await link.request(NodeLink.Kind.disconnect, big(60), receive: receive) { message in
            message.kind == NodeLink.Kind.disconnect
        }
        link.isAsleep = answer != nil
        return answer != nil
    }

    /// Takes what waits, up to PINGRESP, also from a gateway that was not there yet when it fell asleep.
    private func wake() async throws -> Bool {
        try await link.request(NodeLink.Kind.pingreq, Array(link.clientID.utf8), receive: receive) { message in
            message.kind == NodeLink.Kind.pingresp
        } != nil
    }

    private func receive(_ message: NodeLink.Message) async throws {
        let body = message.body
        switch message.kind {
        case NodeLink.Kind.register where body.count > 4:
            try await link.send(NodeLink.Kind.regack, Array(body[0..<4]) + [0])
        case NodeLink.Kind.publish where body.count >= 5: try await receivePublish(body)
        case NodeLink.Kind.pubrel where body.count == 2:
            receiving.remove(body)
            try await link.send(NodeLink.Kind.pubcomp, body)
        // Late answers to repeated requests.
        case NodeLink.Kind.connack, NodeLink.Kind.suback, NodeLink.Kind.pingresp: break
        default: link.violate("received \(message.kind) \(body)")
        }
    }

    private func receivePublish(_ body: [UInt8]) async throws {
        let identifier = Array(body[3..<5])
        let isExactlyOnce = body[0] >> 5 & 0x03 == 2
        if !isExactlyOnce || receiving.insert(identifier).inserted {
            account.change { $0.receive(Array(body[5...]), as: self.link.clientID) }
        }
        if isExactlyOnce {
            try await link.send(NodeLink.Kind.pubrec, identifier)
        } else {
            try await link.send(NodeLink.Kind.puback, Array(body[1..<5]) + [0])
        }
    }
}
