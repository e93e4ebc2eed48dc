import TestKit

/// An MQTT-SN client's way to the gateway and through its deaths, used by one task: it notices a new gateway by a new port,
/// connects when it is told that it is not known (MQTT-SN 6.14), and repeats what is not answered (MQTT-SN 6.13).
final class NodeLink {
    enum Kind {
        static let connect: UInt8 = 0x04, connack: UInt8 = 0x05, register: UInt8 = 0x0A, regack: UInt8 = 0x0B
        static let publish: UInt8 = 0x0C, puback: UInt8 = 0x0D, pubcomp: UInt8 = 0x0E, pubrec: UInt8 = 0x0F
        static let pubrel: UInt8 = 0x10, subscribe: UInt8 = 0x12, suback: UInt8 = 0x13
        static let pingreq: UInt8 = 0x16, pingresp: UInt8 = 0x17, disconnect: UInt8 = 0x18
    }

    struct Message {
        let kind: UInt8
        let body: [UInt8]
    }

    private static let patience = Duration.milliseconds(100)
    /// Repetitions in vain after which a client takes its connection for lost.
    private static let repetitions = 4

    let clientID: String
    private let gateway: MortalGateway
    private let account: Shared<Account>
    private var mailbox: DatagramMailbox?
    private var life = 0
    /// A gateway has let it sleep: also the next one has to know it when it wakes.
    var isAsleep = false
    /// Answers still to come to DISCONNECTs, which were repeated.
    private var openGoodbyes = 0

    init(_ clientID: String, _ gateway: MortalGateway, _ account: Shared<Account>) {
        self.clientID = clientID
        self.gateway = gateway
        self.account = account
    }

    var isOver: Bool { gateway.state.read { $0.isOver } }

    func send(_ kind: UInt8, _ body: [UInt8]) async throws {
        try await mailbox?.send([UInt8(body.count + 2), kind] + body)
    }

    /// The next message; nil when none comes for a while.
    func next() async throws -> Message? {
        guard let mailbox, let octets = try? await mailbox.next(within: Self.patience) else { return nil }
        guard octets.count >= 2, Int(octets[0]) == octets.count else {
            violate("received \(octets.prefix(16))")
            return nil
        }
        return Message(kind: octets[1], body: Array(octets[2...]))
    }

    /// Goes to the gateway that lives now, if another one did before; returns at once when nothing has changed.
    /// - Returns: false when there will be none any more.
    func follow() async throws -> Bool {
        guard gateway.life?.number != life || mailbox == nil else { return true }
        guard let next = await gateway.life(after: life) else { return false }
        try? await mailbox?.close()
        mailbox = try await DatagramMailbox(port: next.mqttsn)
        life = next.number
        openGoodbyes = 0
        return true
    }

    /// Connects and keeps the session (CleanSession not set).
    func connect(_ receive: (Message) async throws -> Void = { _ in }) async throws {
        _ = try await request(Kind.connect, [0x00, 0x01, 0, 60] + Array(clientID.utf8), receive: receive) { message in
            message.kind == Kind.connack && message.body == [0]
        }
        isAsleep = false
    }

    /// Sends a request until an answer satisfies `isAnswer`, connecting on the way when that is needed.
    /// - Parameters:
    ///   - repetition: what is sent from the second time on.
    ///   - receive: called with what else comes meanwhile.
    /// - Returns: nil when no gateway lives any more.
    func request(
        _ kind: UInt8, _ body: [UInt8], repetition: [UInt8]? = nil, receive: (Message) async throws -> Void = { _ in },
        isAnswer: (Message) -> Bool
    ) async throws -> Message? {
        var sent = 0
        while try await follow() {
            try await send(kind, sent == 0 ? body : repetition ?? body)
            sent += 1
            if kind == Kind.disconnect { openGoodbyes += 1 }
            while let message = try await next() {
                let isLateGoodbye = message.kind == Kind.disconnect && openGoodbyes > 0
                if isLateGoodbye { openGoodbyes -= 1 }
                if isAnswer(message) { return message }
                if isLateGoodbye { continue }
                guard message.kind == Kind.disconnect else {
                    try await receive(message)
                    continue
                }
                // Not known (any more): only a new connection helps. CONNECT itself is just repeated.
                if isAsleep { violate("has to connect, though a gateway had let it sleep") }
                if kind != Kind.connect { try await connect(receive) }
                break
            }
            if sent % Self.repetitions == 0, kind != Kind.connect { try await connect(receive) }
        }
        return nil
    }

    func violate(_ what: String) { account.change { $0.violate("\(self.clientID): \(what)") } }
}

func big(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
