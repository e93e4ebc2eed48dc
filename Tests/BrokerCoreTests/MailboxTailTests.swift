import Messaging
import TestKit
import Testing

@testable import BrokerCore

@Suite struct MailboxTailTests {
    private static func entry(_ sequence: UInt64, _ topic: String = "t", isStored: Bool = true, qos: QoS = .atLeastOnce)
        throws
        -> Mailbox.Entry
    {
        Mailbox.Entry(
            message: Message(topic: try TopicName(topic), payload: [1, 2], qos: qos, publishedAt: .never),
            sequence: sequence,
            qos: qos, retain: false, isStored: isStored, subscriptionIDs: .none, expiresAt: .never)
    }

    private static func removed(_ tail: inout MailboxTail) -> String? {
        switch tail.removeFirst() {
        case .stub(let sequence, let octets): "\(sequence)/\(octets)"
        case .whole(let entry): "whole \(entry.sequence)"
        case nil: nil
        }
    }

    @Test func bothKindsAreOneQueue() throws {
        var tail = MailboxTail()
        for (sequence, isStored) in [(5, true), (0, false), (6, true), (7, false), (0, false), (8, true)]
            as [(UInt64, Bool)]
        {
            tail.append(try Self.entry(sequence, isStored: isStored, qos: sequence == 0 ? .atMostOnce : .atLeastOnce))
        }
        #expect(tail.count == 6)
        let order = (0..<7).map { _ in Self.removed(&tail) }
        #expect(order == ["5/3", "whole 0", "6/3", "whole 7", "whole 0", "8/3", nil])
        #expect(tail.count == 0)
    }

    @Test func sequencesFarApartKeepTheirNumbers() throws {
        var tail = MailboxTail()
        let far = UInt64(UInt32.max)
        for sequence in [1, far, far + 1] { tail.append(try Self.entry(sequence)) }
        #expect(Self.removed(&tail) == "1/3")
        // Counted from the second from here on.
        for sequence in [far + 2, 2 * far, 3 * far] { tail.append(try Self.entry(sequence)) }
        #expect(
            (0..<5).map { _ in Self.removed(&tail) } == [
                "\(far)/3", "\(far + 1)/3", "\(far + 2)/3", "\(2 * far)/3", "whole \(3 * far)",
            ])
    }

    /// Four billion messages lie between them.
    @Test func whatHasNoPlaceAfterARestartIsAccountedFor() throws {
        let record = SessionRecord(
            number: SessionNumber(1), clientID: ClientID("c"), expiry: nil, expiresAt: nil, will: nil, willDueAt: nil,
            principal: .gateway, queuesQoS0WhileDetached: false)
        var stored = StoredSession(record: record)
        stored.rest = [1, 2, UInt64(UInt32.max) + 2].reduce(into: []) { rest, sequence in
            rest.append(
                PagedDelivery(
                    sequence: sequence, octets: 5, topic: TopicDigest(UnsafeRawBufferPointer(start: nil, count: 0))))
        }
        var mailbox = Mailbox()
        mailbox.restore(
            stored,
            with: Recorder(number: record.number, target: Recorder.Target(store: MemoryStore(), clock: ManualClock())))
        let report = mailbox.report
        #expect(report.messages == 2 && report.octets == 10)
        #expect(report.account[dropped: .unreadable] == 1 && report.account.isBalanced)
    }

    @Test func theLatestOfATopicIsFoundAmongBoth() throws {
        var tail = MailboxTail()
        tail.append(try Self.entry(1, "a"))
        tail.append(try Self.entry(2, "b"))
        tail.append(try Self.entry(3, "a", isStored: false))
        tail.append(try Self.entry(4, "a"))
        let latest = (0..<4).map { _ in
            switch (try? TopicName("a")).flatMap({ tail.removeLatest(of: $0) }) {
            case .stub(let sequence, _): sequence
            case .whole(let entry): entry.sequence
            case nil: UInt64(0)
            }
        }
        #expect(latest == [4, 3, 1, 0])
    }

    @Test func aPageEndsAtItsLimits() throws {
        var tail = MailboxTail()
        for sequence in [3, 4, 9] as [UInt64] { tail.append(try Self.entry(sequence)) }
        let first = tail.beginPage(limit: 2)
        let second = tail.beginPage(limit: 2)
        tail.endPage()
        let third = tail.beginPage(limit: 9)
        #expect(first == 3...4 && second == nil && third == 3...9)
    }
}
