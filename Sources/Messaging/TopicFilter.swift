/// The pattern of a subscription: levels, `+` for one level, `#` for the rest (MQTT 5.0, 4.7.1), optionally shared
/// by a group as `$share/{group}/{filter}` (MQTT 5.0, 4.8.2), or one subscriber's alone as `$exclusive/{filter}` (EMQX).
public struct TopicFilter: Hashable, Sendable, CustomStringConvertible {
    /// The whole text as the client sent it, `$share/…` included.
    public let string: String
    /// Group of a shared subscription, or nil.
    public let shareGroup: String?
    /// Nobody else may hold an exclusive subscription to the same pattern.
    public let isExclusive: Bool
    /// The pattern messages are matched with: `string` without its `$share/{group}/` or `$exclusive/`.
    public let pattern: String
    /// True when the pattern holds `+` or `#`.
    public let hasWildcard: Bool

    /// Checks `string` against the rules for topic filters.
    /// - Throws: `TopicError` naming the first rule broken.
    public init(_ string: String) throws(TopicError) {
        var string = string
        string.makeContiguousUTF8()
        guard !string.isEmpty else { throw .empty }
        guard string.utf8.count <= TopicName.maximumOctets else { throw .tooLong }
        guard !string.utf8.contains(0) else { throw .containsNull }
        let parts = try Self.split(string)
        self.string = string
        self.shareGroup = parts.group
        self.isExclusive = parts.isExclusive
        self.pattern = parts.pattern
        self.hasWildcard = try Self.checkWildcards(parts.pattern)
    }

    /// Checks and copies octets received from a peer.
    /// - Throws: `TopicError` naming the first rule broken.
    public init(utf8 octets: some Collection<UInt8>) throws(TopicError) {
        guard let string = String(validating: octets, as: UTF8.self) else { throw .notUTF8 }
        try self.init(string)
    }

    /// The filter that matches exactly one topic name.
    public init(_ name: TopicName) {
        string = name.string
        pattern = name.string
        shareGroup = nil
        isExclusive = false
        hasWildcard = false
    }

    /// The topic name this filter spells when it has no wildcard and is neither shared nor exclusive.
    public var topicName: TopicName? {
        guard !hasWildcard, shareGroup == nil, !isExclusive else { return nil }
        return try? TopicName(pattern)
    }

    /// Whether a message published under `topic` matches (MQTT 5.0, 4.7). The broker matches through its index; this
    /// is for single checks such as access rules.
    public func matches(_ topic: TopicName) -> Bool {
        // MQTT-4.7.2-1: a leading wildcard does not match a leading $.
        if topic.isReserved, let first = pattern.utf8.first, first == UInt8(ascii: "+") || first == UInt8(ascii: "#") {
            return false
        }
        var levels = topic.string.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)[...]
        for level in pattern.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            if level.elementsEqual("#".utf8) { return true }  // also the parent level: MQTT 5.0, 4.7.1.2
            guard let name = levels.popFirst() else { return false }
            guard level.elementsEqual("+".utf8) || level.elementsEqual(name) else { return false }
        }
        return levels.isEmpty
    }

    /// Whether it matches any topic that begins with `root`, which ends with `/`.
    public func reaches(below root: String) -> Bool {
        let separator = UInt8(ascii: "/")
        if root.utf8.first == UInt8(ascii: "$"), pattern.utf8.first != UInt8(ascii: "$") { return false }  // MQTT-4.7.2-1
        var levels = pattern.utf8.split(separator: separator, omittingEmptySubsequences: false)[...]
        for name in root.utf8.dropLast().split(separator: separator, omittingEmptySubsequences: false) {
            guard let level = levels.popFirst() else { return false }
            if level.elementsEqual("#".utf8) { return true }
            guard level.elementsEqual("+".utf8) || level.elementsEqual(name) else { return false }
        }
        return !levels.isEmpty
    }

    public var description: String { string }

    public static func == (left: TopicFilter, right: TopicFilter) -> Bool {
        left.string.hasSameOctets(as: right.string)
    }

    public func hash(into hasher: inout Hasher) { string.hashOctets(into: &hasher) }

    private typealias Parts = (group: String?, isExclusive: Bool, pattern: String)

    private static func split(_ string: String) throws(TopicError) -> Parts {
        let exclusive = "$exclusive/"
        guard string.utf8.starts(with: exclusive.utf8) else { return try splitShare(string) }
        let pattern = String(Substring(string.utf8.dropFirst(exclusive.utf8.count)))
        // One subscriber's alone and shared exclude each other.
        guard !pattern.isEmpty, !pattern.utf8.starts(with: "$share/".utf8) else { throw .malformedShare }
        return (nil, true, pattern)
    }

    private static func splitShare(_ string: String) throws(TopicError) -> Parts {
        let prefix = "$share/"
        guard string.utf8.starts(with: prefix.utf8) else { return (nil, false, string) }
        let rest = string.utf8.dropFirst(prefix.utf8.count)
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { throw .malformedShare }
        let group = rest[..<slash]
        let pattern = rest[rest.index(after: slash)...]
        // MQTT-4.8.2-1, MQTT-4.8.2-2: a group has at least one character and no wildcard; a filter follows.
        guard !group.isEmpty, !pattern.isEmpty,
            !group.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") })
        else { throw .malformedShare }
        return (String(Substring(group)), false, String(Substring(pattern)))
    }

    private static func checkWildcards(_ pattern: String) throws(TopicError) -> Bool {
        var found = false
        var levels = pattern.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)[...]
        while let level = levels.popFirst() {
            let plus = level.contains(UInt8(ascii: "+"))
            let hash = level.contains(UInt8(ascii: "#"))
            guard plus || hash else { continue }
            found = true
            guard level.count == 1 else { throw .misplacedWildcard }  // MQTT-4.7.1-1, MQTT-4.7.1-2
            guard !hash || levels.isEmpty else { throw .misplacedWildcard }  // MQTT-4.7.1-1: # is last
        }
        return found
    }
}
