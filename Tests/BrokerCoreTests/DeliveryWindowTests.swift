import Messaging
import Testing

@testable import BrokerCore

@Suite struct DeliveryWindowTests {
    private static func entry(_ sequence: UInt64) throws -> Mailbox.Entry {
        Mailbox.Entry(
            message: Message(
                topic: try TopicName("t"), payload: [], qos: .atLeastOnce, publishedAt: Timestamp(nanoseconds: 0)),
            sequence: sequence, qos: .atLeastOnce, retain: false, subscriptionIDs: .none, expiresAt: .never)
    }

    @Test func identifiersWrapPastZero() throws {
        var window = DeliveryWindow()
        for sequence in 1...70_000 as ClosedRange<UInt64> {
            let identifier = try #require(window.add(try Self.entry(sequence)))
            #expect(identifier != 0)
            #expect(window.remove(identifier)?.entry?.sequence == sequence)
        }
        #expect(window.count == 0)
    }

    @Test func settlesInAnyOrder() throws {
        var window = DeliveryWindow()
        let identifiers = try (1...5).compactMap { window.add(try Self.entry($0)) }
        for identifier in [3, 1, 5, 2, 4] as [UInt16] {
            #expect(window.standing(of: identifier)?.sequence == UInt64(identifier))
            #expect(window.remove(identifier) != nil)
            #expect(window.remove(identifier) == nil)
        }
        #expect(identifiers == [1, 2, 3, 4, 5])
        #expect(window.add(try Self.entry(6)) == 6)
    }

    private static func numbers(of window: borrowing DeliveryWindow) -> [Int] {
        [window.count, window.octets, Int(window.toResend)] + window.slotsByIdentifier.map { Int($0.identifier) }
    }

    /// The quick way of a PUBACK for the oldest and the slow one leave the same behind.
    @Test(arguments: [[1, 2, 3, 4, 5], [2, 1, 3, 5, 4], [5, 4, 3, 2, 1], [1, 1, 3, 2, 0, 4]] as [[UInt16]])
    func whatIsAcknowledgedLeavesInAnyOrder(identifiers: [UInt16]) throws {
        var quick = DeliveryWindow()
        var slow = DeliveryWindow()
        for sequence in 1...5 as ClosedRange<UInt64> {
            _ = quick.add(try Self.entry(sequence))
            _ = slow.add(try Self.entry(sequence))
        }
        quick.markAllForResending()
        slow.markAllForResending()
        for identifier in identifiers {
            let left = quick.removeFirst(acknowledging: identifier) ?? quick.remove(identifier)
            #expect(left?.entry?.sequence == slow.remove(identifier)?.entry?.sequence)
            #expect(Self.numbers(of: quick) == Self.numbers(of: slow))
        }
        #expect(quick.nextToResend(within: 9)?.identifier == slow.nextToResend(within: 9)?.identifier)
    }

    @Test func onlyAPUBACKOfTheOldestTakesTheQuickWay() throws {
        var window = DeliveryWindow()
        #expect(window.removeFirst(acknowledging: 1) == nil)
        let second = Mailbox.Entry(
            message: try Self.entry(1).message, sequence: 1, qos: .exactlyOnce, retain: false, subscriptionIDs: .none,
            expiresAt: .never)
        _ = window.add(second)
        _ = window.add(try Self.entry(2))
        #expect(window.removeFirst(acknowledging: 1) == nil, "MQTT-4.3.3-4: it waits for PUBREC and PUBCOMP")
        #expect(window.removeFirst(acknowledging: 2) == nil)
        #expect(window.remove(1) != nil)
        #expect(window.removeFirst(acknowledging: 2)?.entry?.sequence == 2)
        #expect(window.count == 0)
    }

    @Test func givesNoIdentifierTwiceWhenAllAreInUse() throws {
        var window = DeliveryWindow()
        for sequence in 1...65_535 as ClosedRange<UInt64> { _ = window.add(try Self.entry(sequence)) }
        #expect(window.add(try Self.entry(65_536)) == nil)
        window.remove(2)
        #expect(window.add(try Self.entry(65_536)) == nil)  // 1 is still out
        window.remove(1)
        #expect(window.add(try Self.entry(65_536)) == 1)
    }

    @Test func resendsInTheOrderOfSending() throws {
        var window = DeliveryWindow()
        for sequence in 1...4 as ClosedRange<UInt64> { _ = window.add(try Self.entry(sequence)) }
        window.remove(2)
        window.release(3)
        window.markAllForResending()
        #expect(window.toResend == 3)
        let resent = (0..<3).compactMap { _ in window.nextToResend(within: 9) }
        #expect(resent.map(\.identifier) == [3, 1, 4], "releases first")
        #expect(resent.map(\.isReleased) == [true, false, false])
        #expect(window.nextToResend(within: 9) == nil)
    }

    /// MQTT-3.3.4-9, MQTT-3.3.4-10
    @Test func whatIsSentAgainKeepsWithinTheLimitAndReleasesDoNotWait() throws {
        var window = DeliveryWindow()
        for sequence in 1...5 as ClosedRange<UInt64> { _ = window.add(try Self.entry(sequence)) }
        window.markAllForResending()
        #expect(window.nextToResend(within: 1)?.identifier == 1)
        let mayResend = window.mayResend(within: 1)
        #expect(!mayResend)
        #expect(window.nextToResend(within: 1) == nil)
        window.release(4)
        #expect(window.nextToResend(within: 1)?.identifier == 4)
        window.remove(1)
        #expect(window.nextToResend(within: 2)?.identifier == 2)
        window.remove(2)
        window.remove(4)
        #expect((0..<3).compactMap { _ in window.nextToResend(within: 2)?.identifier } == [3, 5])
        window.markForResending(3)
        #expect(window.nextToResend(within: 2)?.identifier == 3)
        #expect(window.toResend == 0)
    }

    /// Only that it is on the way is known of it.
    @Test func whatIsForgottenIsSettledAndNeverSentAgain() throws {
        var window = DeliveryWindow()
        for identifier in 1...3 as ClosedRange<UInt16> { window.append(forgotten: .atLeastOnce, identifier, octets: 10) }
        window.append(forgotten: .exactlyOnce, 4, octets: 100)
        _ = window.add(try Self.entry(5))
        #expect(window.count == 5)
        let octets = window.octets
        #expect(octets == 131)
        let first = window.removeFirst(acknowledging: 1)
        #expect(first?.isForgotten == true)
        #expect(window.remove(3)?.isForgotten == true)
        window.release(4)
        #expect(window.standing(of: 4)?.isReleased == true)
        window.markForResending(2)
        window.markAllForResending()
        #expect(window.toResend == 1)
        let removed = window.removeForgotten()
        #expect(removed == 2)
        #expect(Self.numbers(of: window) == [1, 1, 1, 5])
        #expect(window.nextToResend(within: 9)?.identifier == 5)
        #expect(window.remove(5) != nil)
        #expect(Self.numbers(of: window) == [0, 0, 0])
    }

    @Test func restoresAroundTheWrap() throws {
        var window = DeliveryWindow()
        #expect(window.restore(try Self.entry(65_534), released: false))
        #expect(window.restore(try Self.entry(65_536), released: true))
        #expect(!window.restore(try Self.entry(65_535), released: false))
        #expect(window.standing(of: 65_534)?.sequence == 65_534)
        #expect(window.standing(of: 65_535) == nil)
        #expect(window.standing(of: 1)?.isReleased == true)
        #expect(window.add(try Self.entry(65_537)) == 2)
    }
}

extension DeliveryWindow {
    /// - Returns: the identifier of `entry`; nil when there is no room for it.
    fileprivate mutating func add(_ entry: Mailbox.Entry) -> UInt16? {
        guard hasRoom(for: entry.packetID) else { return nil }
        append(entry, entry.packetID, octets: entry.message.octets)
        return entry.packetID
    }
}
