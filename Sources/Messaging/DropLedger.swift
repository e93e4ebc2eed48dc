/// Where every accepted copy of a message went. A publication makes one copy per receiving session; one that nobody
/// subscribed to makes one copy that is dropped as `noSubscribers`; a retained message sent to a new subscriber makes one.
///
///     accepted = delivered + queued + expired + dropped
///
/// holds exactly at any moment.
public struct DropLedger: Sendable, Equatable {
    public var accepted: UInt64 = 0
    /// Sent at QoS 0, or acknowledged at QoS 1 and 2.
    public var delivered: UInt64 = 0
    /// Waiting in a mailbox or on the way.
    public var queued: UInt64 = 0
    public var expired: UInt64 = 0
    /// By `DropReason.rawValue`; empty, and without memory of its own, until something is dropped: very many mailboxes have one of these.
    private var droppedByReason: ContiguousArray<UInt64> = []

    public init() {}

    public subscript(dropped reason: DropReason) -> UInt64 {
        get { droppedByReason.isEmpty ? 0 : droppedByReason[Int(reason.rawValue)] }
        set {
            if droppedByReason.isEmpty {
                guard newValue > 0 else { return }
                droppedByReason = ContiguousArray(repeating: 0, count: DropReason.allCases.count)
            }
            droppedByReason[Int(reason.rawValue)] = newValue
        }
    }

    /// The reasons for which something was dropped, with their counts.
    public var reasons: [(reason: DropReason, count: UInt64)] {
        DropReason.allCases.map { ($0, self[dropped: $0]) }.filter { $0.count > 0 }
    }

    public var dropped: UInt64 { droppedByReason.reduce(0, +) }

    /// Whether nothing is unaccounted for.
    public var isBalanced: Bool { accepted == delivered + queued + expired + dropped }

    /// The account of what is over: nothing queued.
    public var settled: DropLedger {
        var settled = self
        settled.queued = 0
        settled.accepted = delivered + expired + dropped
        return settled
    }

    public static func += (left: inout DropLedger, right: DropLedger) {
        left.accepted += right.accepted
        left.delivered += right.delivered
        left.queued += right.queued
        left.expired += right.expired
        guard !right.droppedByReason.isEmpty else { return }
        for reason in DropReason.allCases { left[dropped: reason] += right[dropped: reason] }
    }

    public static func == (left: DropLedger, right: DropLedger) -> Bool {
        left.accepted == right.accepted && left.delivered == right.delivered && left.queued == right.queued
            && left.expired == right.expired
            && DropReason.allCases.allSatisfy { left[dropped: $0] == right[dropped: $0] }
    }
}
