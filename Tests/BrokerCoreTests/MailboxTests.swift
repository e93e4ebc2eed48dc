import Messaging
import Testing

@testable import BrokerCore

@Suite struct MailboxTests {
    private static let now = Timestamp(nanoseconds: 1_000)
    private static let roomy = Mailbox.Bounds(messages: 100, octets: 1_000_000, policy: .dropOldest)

    private static func message(_ text: String, expiresAt: Timestamp = .never) throws -> Message {
        Message(
            topic: try TopicName("t"), payload: Array(text.utf8), qos: .exactlyOnce, publishedAt: now,
            expiresAt: expiresAt)
    }

    private static func filled(_ qos: [QoS], _ bounds: Mailbox.Bounds = roomy) throws -> Mailbox {
        var mailbox = Mailbox()
        for (index, qos) in qos.enumerated() {
            _ = mailbox.put(
                try message(String(index)), qos: qos, retain: false, subscriptionIDs: .none, bounds: bounds)
        }
        return mailbox
    }

    private static func taken(_ mailbox: inout Mailbox, _ limit: Int = 100) -> [Delivery] {
        var deliveries: [Delivery] = []
        _ = mailbox.take(limit, now: now, into: &deliveries)
        return deliveries
    }

    private static func settle(_ mailbox: inout Mailbox, _ packetID: UInt16, _ settlement: Settlement) -> Bool {
        mailbox.settle(packetID, settlement)
    }

    private static func texts(_ deliveries: [Delivery]) -> [String] {
        deliveries.map { String(decoding: $0.message.payload, as: UTF8.self) }
    }

    @Test func givesOutInOrderAndNumbersOnlyAcknowledgedQoS() throws {
        var mailbox = try Self.filled([.atLeastOnce, .atMostOnce, .exactlyOnce])
        let deliveries = Self.taken(&mailbox)
        #expect(Self.texts(deliveries) == ["0", "1", "2"])
        #expect(deliveries.map(\.packetID) == [1, 0, 2])
        #expect(mailbox.account.delivered == 1 && mailbox.account.queued == 2)
    }

    @Test func theWindowStopsTheQueueInOrder() throws {
        var mailbox = try Self.filled([.atLeastOnce, .atLeastOnce, .atMostOnce])
        mailbox.receiveMaximum = 1
        #expect(Self.taken(&mailbox).count == 1)
        #expect(mailbox.hasTakeable == false)
        #expect(Self.settle(&mailbox, 1, .acknowledged))
        #expect(mailbox.hasTakeable == true)
        #expect(Self.texts(Self.taken(&mailbox)) == ["1", "2"])
    }

    @Test func exactlyOnceGoesThroughBothSteps() throws {
        var mailbox = try Self.filled([.exactlyOnce])
        _ = Self.taken(&mailbox)
        #expect(!Self.settle(&mailbox, 1, .acknowledged))
        #expect(!Self.settle(&mailbox, 1, .completed))
        #expect(Self.settle(&mailbox, 1, .received))
        #expect(Self.settle(&mailbox, 1, .received))  // a repeated PUBREC is answered again
        #expect(!Self.settle(&mailbox, 1, .refused))
        #expect(Self.settle(&mailbox, 1, .completed))
        #expect(!Self.settle(&mailbox, 1, .completed))
        #expect(mailbox.account.delivered == 1 && mailbox.isEmpty)
    }

    @Test func whatIsOnTheWayIsBoundedInOctets() throws {
        // Two octets each: the topic and one digit.
        var mailbox = try Self.filled([.atLeastOnce, .atLeastOnce, .atMostOnce, .atLeastOnce])
        mailbox.reconnect(receiveMaximum: 65_535, octetsOnTheWay: 3)
        #expect(Self.taken(&mailbox).map(\.packetID) == [1, 2, 0])
        #expect(!mailbox.hasTakeable && mailbox.account.queued == 3)
        #expect(Self.settle(&mailbox, 1, .acknowledged))
        #expect(mailbox.hasTakeable && Self.taken(&mailbox).map(\.packetID) == [3])
    }

    /// MQTT-4.4.0-1, MQTT-3.3.1-1
    @Test func aNewConnectionGetsTheUnsettledAgain() throws {
        var mailbox = try Self.filled([.exactlyOnce, .atLeastOnce, .atLeastOnce])
        mailbox.receiveMaximum = 2
        _ = Self.taken(&mailbox)
        #expect(Self.settle(&mailbox, 1, .received))
        mailbox.reconnect(receiveMaximum: 9)
        let again = Self.taken(&mailbox)
        #expect(again.map(\.step) == [.release, .publish, .publish])
        #expect(again.map(\.isDuplicate) == [false, true, false])
        #expect(again.map(\.packetID) == [1, 2, 3])
    }

    /// MQTT-3.3.4-9: the receive maximum is the new connection's.
    /// MQTT-4.4.0-1: of a session that ends with its connection nothing is sent twice.
    @Test func whatIsNeverSentAgainIsNotHeld() throws {
        var mailbox = try Self.filled([.atLeastOnce, .exactlyOnce, .atLeastOnce, .exactlyOnce, .atMostOnce])
        mailbox.reconnect(receiveMaximum: 10, forgetsSent: true)
        #expect(Self.texts(Self.taken(&mailbox)) == ["0", "1", "2", "3", "4"])
        #expect(mailbox.window.octets == 8, "the bound in octets holds for them, too")
        let isHeld = mailbox.window.slotsByIdentifier.map { !$0.slot.isForgotten }
        #expect(isHeld == [false, false, false, false])
        #expect(!Self.settle(&mailbox, 1, .completed))
        let isKnown = mailbox.acknowledge(1)
        #expect(isKnown)
        #expect(!Self.settle(&mailbox, 2, .acknowledged))
        #expect(Self.settle(&mailbox, 2, .received))
        #expect(Self.settle(&mailbox, 2, .completed))
        #expect(mailbox.account.delivered == 3 && mailbox.account.queued == 2)
        mailbox.reconnect(receiveMaximum: 10)
        #expect(Self.taken(&mailbox).isEmpty)
        #expect(mailbox.account[dropped: .sessionEnded] == 2)
        #expect(mailbox.account.queued == 0 && mailbox.account.isBalanced)
    }

    @Test func aSmallerWindowHoldsForWhatIsSentAgain() throws {
        var mailbox = try Self.filled([.atLeastOnce, .atLeastOnce, .atLeastOnce, .atLeastOnce])
        #expect(Self.taken(&mailbox, 3).count == 3)
        mailbox.reconnect(receiveMaximum: 2)
        #expect(Self.taken(&mailbox).map(\.packetID) == [1, 2])
        let whenFull = mailbox.hasTakeable
        #expect(!whenFull)
        #expect(Self.settle(&mailbox, 2, .acknowledged))
        let whenOpen = mailbox.hasTakeable
        #expect(whenOpen)
        let again = Self.taken(&mailbox)
        #expect(again.map(\.packetID) == [3] && again.map(\.isDuplicate) == [true])
        #expect(Self.settle(&mailbox, 1, .acknowledged))
        let new = Self.taken(&mailbox)
        #expect(new.map(\.packetID) == [4] && new.map(\.isDuplicate) == [false])
    }

    /// MQTT-4.4.0-1
    @Test func nothingIsSentAgainOnTheSameConnection() throws {
        var mailbox = try Self.filled([.exactlyOnce, .atLeastOnce])
        #expect(Self.taken(&mailbox).count == 2)
        #expect(Self.settle(&mailbox, 1, .received))
        #expect(Self.taken(&mailbox).isEmpty)
        #expect(mailbox.backlog == 2)
    }

    @Test func whatHasExpiredIsCountedNotSent() throws {
        var mailbox = Mailbox()
        for expiresAt in [Self.now, .never] {
            _ = mailbox.put(
                try Self.message("x", expiresAt: expiresAt), qos: .atLeastOnce, retain: false, subscriptionIDs: .none,
                bounds: Self.roomy)
        }
        #expect(Self.taken(&mailbox).count == 1)
        #expect(mailbox.account.expired == 1)
    }

    @Test(arguments: [
        (MailboxLimits.Policy.dropOldest, ["2", "3"]), (.dropNewest, ["0", "1"]), (.dropQoS0First, ["1", "3"]),
    ])
    func aFullMailboxFollowsItsPolicy(policy: MailboxLimits.Policy, left: [String]) throws {
        let bounds = Mailbox.Bounds(messages: 2, octets: 1_000, policy: policy)
        var mailbox = try Self.filled([.atLeastOnce, .atLeastOnce, .atMostOnce, .atLeastOnce], bounds)
        // With QoS 0 first: 0 is the oldest when 2 arrives, as nothing waits at QoS 0; then 2 makes room for 3.
        #expect(Self.texts(Self.taken(&mailbox)) == left)
        #expect(mailbox.account[dropped: .mailboxFull] == 2)
        #expect(mailbox.account.isBalanced)
    }

    @Test func octetsAreBoundedToo() throws {
        let bounds = Mailbox.Bounds(messages: 100, octets: 6, policy: .dropOldest)
        var mailbox = try Self.filled([.atMostOnce, .atMostOnce, .atMostOnce, .atMostOnce], bounds)
        #expect(mailbox.waitingOctets == 6)
        #expect(Self.texts(Self.taken(&mailbox)) == ["1", "2", "3"])
        #expect(mailbox.waitingOctets == 0)
        let huge = mailbox.put(
            try Self.message("too large"), qos: .atMostOnce, retain: false, subscriptionIDs: .none, bounds: bounds)
        #expect(huge == .dropped(.none, makesRoom: false))
    }

    @Test func aDeliveryTheAdapterCannotSendMovesToDropped() throws {
        var mailbox = try Self.filled([.atMostOnce, .atLeastOnce])
        for delivery in Self.taken(&mailbox) { mailbox.discard(delivery, reason: .tooLargeForReceiver) }
        #expect(mailbox.account[dropped: .tooLargeForReceiver] == 2)
        #expect(mailbox.account.delivered == 0 && mailbox.isEmpty && mailbox.account.isBalanced)
    }

    @Test func aReturnedDeliveryIsSentAgainFirst() throws {
        var mailbox = try Self.filled([.atLeastOnce, .atLeastOnce])
        mailbox.receiveMaximum = 1
        _ = Self.taken(&mailbox)
        #expect(Self.settle(&mailbox, 1, .returned))
        let again = Self.taken(&mailbox)
        #expect(Self.texts(again) == ["0"])
        #expect(again.first?.isDuplicate == true)
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func theAccountBalancesWhateverHappens(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var mailbox = Mailbox()
        mailbox.receiveMaximum = 5
        var open: [Delivery] = []
        for step in 0..<5_000 {
            switch Int.random(in: 0..<8, using: &random) {
            case 0...2:
                let qos = QoS.allCases.randomElement(using: &random) ?? .atMostOnce
                let expiresAt = Bool.random(using: &random) ? Timestamp.never : Self.now
                let policy = MailboxLimits.Policy.allCases.randomElement(using: &random) ?? .dropOldest
                _ = mailbox.put(
                    try Self.message(String(step), expiresAt: expiresAt), qos: qos, retain: false,
                    subscriptionIDs: .none,
                    bounds: Mailbox.Bounds(messages: 8, octets: 60, policy: policy))
            case 3: open += Self.taken(&mailbox, 3)
            case 4, 5:
                let settlement = [Settlement.acknowledged, .received, .completed, .refused, .returned]
                    .randomElement(using: &random)
                if let settlement, let delivery = open.randomElement(using: &random) {
                    _ = mailbox.settle(delivery.packetID, settlement)
                }
            case 6: if let delivery = open.popLast() { mailbox.discard(delivery, reason: .noTopicID) }
            default:
                if step % 50 == 0 {
                    mailbox.clear()
                    open = []
                } else {
                    mailbox.reconnect(receiveMaximum: 5)
                }
            }
            open = open.filter { $0.packetID != 0 }
            #expect(mailbox.account.isBalanced)
        }
    }

    @Test func whatWasGivenBackIsTheNextAndCountsAsQueued() throws {
        var mailbox = try Self.filled([.atMostOnce, .atMostOnce])
        let first = Self.taken(&mailbox, 1)
        mailbox.giveBack(first[0])
        #expect(mailbox.account.queued == 2 && mailbox.account.delivered == 0 && mailbox.account.isBalanced)
        #expect(Self.texts(Self.taken(&mailbox)) == ["0", "1"])
        #expect(mailbox.waitingOctets == 0)
    }

    @Test func ofEachTopicTheLatestWaits() throws {
        var mailbox = Mailbox()
        var bounds = Mailbox.Bounds(messages: 3, octets: 1_000, policy: .latestOnly)
        bounds.keepsLatestOnly = true
        for (topic, text) in [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("b", "5"), ("d", "6")] {
            let message = Message(
                topic: try TopicName(topic), payload: Array(text.utf8), qos: .atLeastOnce, publishedAt: Self.now)
            _ = mailbox.put(message, qos: .atLeastOnce, retain: false, subscriptionIDs: .none, bounds: bounds)
        }
        #expect(Self.texts(Self.taken(&mailbox)) == ["4", "5", "6"])
        #expect(mailbox.account[dropped: .superseded] == 2)
        #expect(mailbox.account[dropped: .mailboxFull] == 1)
        #expect(mailbox.account.isBalanced)
    }

    @Test func aMessageWaitsNoLongerThanItMay() throws {
        var bounds = Self.roomy
        bounds.waitsUntil = Self.now
        var mailbox = try Self.filled([.atLeastOnce], bounds)
        #expect(Self.taken(&mailbox).isEmpty)
        #expect(mailbox.account.expired == 1 && mailbox.account.isBalanced)
    }

    /// MQTT-4.4.0-2
    @Test func aRefusedDeliveryIsNotSentAgain() throws {
        var mailbox = try Self.filled([.atLeastOnce, .exactlyOnce])
        _ = Self.taken(&mailbox)
        #expect(Self.settle(&mailbox, 1, .refused))
        #expect(Self.settle(&mailbox, 2, .refused))
        mailbox.reconnect(receiveMaximum: 10)
        #expect(Self.taken(&mailbox).isEmpty)
        #expect(mailbox.account[dropped: .refusedByReceiver] == 2)
    }
}
