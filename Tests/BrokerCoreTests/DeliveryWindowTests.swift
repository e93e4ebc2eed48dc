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
            #expect(window.remove(identifier)?.entry.sequence == sequence)
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
        #expect(resent.map(\.slot.isReleased) == [true, false, false])
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
