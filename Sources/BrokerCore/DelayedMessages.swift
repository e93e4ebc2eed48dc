import Messaging

/// What may wait for its time at once.
package struct DelayedLimits: Sendable, Equatable {
    package var messages = 100_000
    /// Counted as `Message.octets`.
    package var octets = 256 * 1_048_576

    package init() {}
}

/// `$delayed/{n}/{topic}`: the message is published under `topic` later. Below 42,949,670 `n` is seconds from now, else
/// seconds since 1970 (EMQX).
struct DelayedTopic: Equatable {
    enum Problem: Error, Equatable {
        /// No number, no topic, or a time further away than seconds may say.
        case malformed
    }

    /// First number that is a time of day rather than a delay.
    static let firstAbsolute: UInt64 = 42_949_670
    static let prefix = "$delayed/"

    let topic: TopicName
    let delay: Duration

    /// - Parameter now: time since 1970.
    /// - Returns: nil when `name` is not a delayed one.
    init?(_ name: TopicName, now: Duration) throws(Problem) {
        guard name.string.utf8.starts(with: Self.prefix.utf8) else { return nil }
        let rest = name.string.utf8.dropFirst(Self.prefix.utf8.count)
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")), slash > rest.startIndex,
            rest[..<slash].allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = UInt64(Substring(rest[..<slash])),
            let topic = try? TopicName(utf8: rest[rest.index(after: slash)...])
        else { throw .malformed }
        self.topic = topic
        guard number >= Self.firstAbsolute else {
            delay = .seconds(number)
            return
        }
        let ahead = number.subtractingReportingOverflow(UInt64(max(0, now.components.seconds)))
        guard !ahead.overflow else {
            delay = .zero  // a time that has passed
            return
        }
        guard ahead.partialValue < Self.firstAbsolute else { throw .malformed }
        delay = .seconds(ahead.partialValue)
    }
}

/// Messages that wait for their time. Those of QoS 1 and 2 lie in the store, too.
struct DelayedMessages {
    typealias ID = UInt64

    struct Waiting {
        let message: Message
        let principal: Principal
        let dueAt: Timestamp
        var isStored = false
    }

    private var waiting: [ID: Waiting] = [:]
    private var lastID: ID = 0
    private(set) var octets = 0

    var count: Int { waiting.count }
    var all: some Sequence<(key: ID, value: Waiting)> { waiting }

    /// - Returns: nil when a limit is reached.
    mutating func insert(_ entry: Waiting, limits: DelayedLimits) -> ID? {
        guard waiting.count < limits.messages, octets + entry.message.octets <= limits.octets else { return nil }
        lastID += 1
        waiting[lastID] = entry
        octets += entry.message.octets
        return lastID
    }

    /// Puts back what the store kept, whatever the limits.
    mutating func restore(_ entry: Waiting, _ id: ID) {
        lastID = max(lastID, id)
        waiting[id] = entry
        octets += entry.message.octets
    }

    mutating func remove(_ id: ID) -> Waiting? {
        guard let entry = waiting.removeValue(forKey: id) else { return nil }
        octets -= entry.message.octets
        return entry
    }
}
