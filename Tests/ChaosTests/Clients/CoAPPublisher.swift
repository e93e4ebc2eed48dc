import TestKit

/// A CoAP client that publishes numbered messages one by one as confirmable POSTs and repeats each until it is answered
/// (RFC 7252 4.2).
final class CoAPPublisher {
    private static let patience = Duration.milliseconds(150)
    private static let changed = CoAPDatagram.code(2, 4)

    private let publisher: UInt32
    private let gateway: MortalGateway
    private let account: Shared<Account>
    private var mailbox: DatagramMailbox?
    private var life = 0
    private var messageID: UInt16 = 0

    init(_ publisher: UInt32, _ gateway: MortalGateway, _ account: Shared<Account>) {
        self.publisher = publisher
        self.gateway = gateway
        self.account = account
        account.change { $0.enter(publisher, Account.Publisher(isExactlyOnce: false, retains: false)) }
    }

    func run() async throws {
        var number: UInt64 = 0
        while !account.read({ $0.isEnding }) {
            guard try await publish(number) else { return }
            number += 1
        }
        account.change { $0.finish(self.publisher) }
    }

    private func publish(_ number: UInt64) async throws -> Bool {
        messageID &+= 1
        var request = CoAPDatagram(
            .confirmable, code: CoAPDatagram.code(0, 2), messageID: messageID,
            token: Array(NumberedPayload.make(publisher, number)[8..<12]),
            options: ["ps", "chaos", "\(publisher)"].map { CoAPDatagram.Option(CoAPDatagram.Number.uriPath, $0) },
            payload: NumberedPayload.make(publisher, number))
        while try await follow() {
            try await mailbox?.send(request.bytes)
            while let answer = try await next() {
                // The answer may come later, in a message of its own; a lost one is asked for anew.
                if answer.kind == .acknowledgement, answer.code == 0 {
                    messageID &+= 1
                    request.messageID = messageID
                    continue
                }
                guard answer.token == request.token else { continue }
                if answer.kind == .confirmable {
                    try await mailbox?.send(CoAPDatagram(.acknowledgement, code: 0, messageID: answer.messageID).bytes)
                }
                guard answer.code == Self.changed else {
                    account.change { $0.violate("CoAP publisher \(self.publisher): answered \(answer.codeText)") }
                    return false
                }
                account.change { $0.acknowledge(number, of: self.publisher) }
                return true
            }
        }
        return false
    }

    private func next() async throws -> CoAPDatagram? {
        guard let octets = try? await mailbox?.next(within: Self.patience) else { return nil }
        return CoAPDatagram(octets)
    }

    /// Goes to the gateway that lives now.
    /// - Returns: false when there will be none any more.
    private func follow() async throws -> Bool {
        guard gateway.life?.number != life || mailbox == nil else { return true }
        guard let next = await gateway.life(after: life) else { return false }
        try? await mailbox?.close()
        mailbox = try await DatagramMailbox(port: next.coap)
        life = next.number
        return true
    }
}
