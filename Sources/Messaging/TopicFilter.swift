/// The pattern of a subscription: levels, `+` for one level, `#` for the rest (MQTT 5.0, 4.7.1), optionally shared
/// by a group as `$share/{group}/{filter}` (MQTT 5.0, 4.8.2), or one subscriber's alone as `$exclusive/{filter}` (EMQX).
public struct TopicFilter: Hashable, Sendable, CustomStringConvertible {
    /// The whole text as the client sent it, `$share/…` included. Contiguous UTF-8.
    public let string: String
    /// Octets of `string` before the pattern.
    private let prefix: UInt16
    /// A group shares the subscription: what matches goes to one of its members.
    public let isShared: Bool
    /// True when the pattern holds `+` or `#`.
    public let hasWildcard: Bool

    private static let share = "$share/"
    private static let exclusive = "$exclusive/"

    /// Nobody else may hold an exclusive subscription to the same pattern.
    public var isExclusive: Bool { prefix > 0 && !isShared }

    /// Group of a shared subscription, or nil.
    public var shareGroup: String? {
        guard isShared else { return nil }
        return String(
            Substring(string.utf8.dropFirst(Self.share.utf8.count).prefix(Int(prefix) - Self.share.utf8.count - 1)))
    }

    /// The pattern messages are matched with: `string` without its `$share/{group}/` or `$exclusive/`.
    public var pattern: String { prefix == 0 ? string : String(Substring(string.utf8.dropFirst(Int(prefix)))) }

    /// Lends the octets of the pattern.
    public func withPattern<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        string.utf8.span.bytes.withUnsafeBytes { octets in
            body(UnsafeRawBufferPointer(rebasing: octets[Int(prefix)...]))
        }
    }

    /// Checks `string` against the rules for topic filters.
    /// - Throws: `TopicError` naming the first rule broken.
    public init(_ string: String) throws(TopicError) {
        var string = string
        string.makeContiguousUTF8()
        let octets = string.utf8.span
        guard !octets.isEmpty else { throw .empty }
        guard octets.count <= TopicName.maximumOctets else { throw .tooLong }
        let scan = OctetScan(string)
        guard !scan.hasNull else { throw .containsNull }
        // Nothing but `$` begins either prefix.
        let prefix = octets[0] == UInt8(ascii: "$") ? try Self.prefix(of: string.utf8) : (octets: 0, isShared: false)
        if scan.hasWildcard { try Self.checkWildcards(octets.extracting(prefix.octets...)) }
        self.prefix = UInt16(prefix.octets)
        isShared = prefix.isShared
        hasWildcard = scan.hasWildcard
        self.string = string
    }

    /// Checks and copies octets received from a peer.
    /// - Throws: `TopicError` naming the first rule broken.
    public init(utf8 octets: some Collection<UInt8>) throws(TopicError) {
        guard let string = String(validating: octets, as: UTF8.self) else { throw .notUTF8 }
        try self.init(string)
    }

    /// Checks and copies octets that a codec has checked already: well-formed UTF-8 with no null, not too long.
    /// - Throws: `TopicError` naming the first rule broken.
    public init(checked octets: UnsafeRawBufferPointer) throws(TopicError) {
        guard let first = octets.first else { throw .empty }
        let scan = OctetScan(octets)
        let prefix = first == UInt8(ascii: "$") ? try Self.prefix(of: octets) : (octets: 0, isShared: false)
        let span = octets.assumingMemoryBound(to: UInt8.self).span
        if scan.hasWildcard { try Self.checkWildcards(span.extracting(prefix.octets...)) }
        self.prefix = UInt16(prefix.octets)
        isShared = prefix.isShared
        hasWildcard = scan.hasWildcard
        string = String(copying: UTF8Span(unchecked: span, isKnownASCII: scan.isASCII))
        assert((try? TopicFilter(string)) == self, "the codec has checked the filter")
    }

    /// The filter that matches exactly one topic name.
    public init(_ name: TopicName) {
        string = name.string
        prefix = 0
        isShared = false
        hasWildcard = false
    }

    /// It spells a topic name: it has no wildcard and is neither shared nor exclusive.
    public var isName: Bool { !hasWildcard && prefix == 0 }

    /// The topic name this filter spells, if it does.
    public var topicName: TopicName? { isName ? TopicName(known: string) : nil }

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

    /// What stands before the pattern.
    private static func prefix(
        of text: some Collection<UInt8>
    ) throws(TopicError) -> (octets: Int, isShared: Bool) {
        if text.starts(with: exclusive.utf8) {
            let pattern = text.dropFirst(exclusive.utf8.count)
            // One subscriber's alone and shared exclude each other.
            guard !pattern.isEmpty, !pattern.starts(with: share.utf8) else { throw .malformedShare }
            return (exclusive.utf8.count, false)
        }
        guard text.starts(with: share.utf8) else { return (0, false) }
        let rest = text.dropFirst(share.utf8.count)
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { throw .malformedShare }
        let group = rest[..<slash]
        // MQTT-4.8.2-1, MQTT-4.8.2-2: a group has at least one character and no wildcard; a filter follows.
        guard !group.isEmpty, group.count + 1 < rest.count,
            !group.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") })
        else { throw .malformedShare }
        return (share.utf8.count + group.count + 1, true)
    }

    private static func checkWildcards(_ pattern: Span<UInt8>) throws(TopicError) {
        for index in pattern.indices where pattern[index] == UInt8(ascii: "+") || pattern[index] == UInt8(ascii: "#") {
            let isFirst = index == 0 || pattern[index - 1] == UInt8(ascii: "/")
            let isLast = index + 1 == pattern.count
            // MQTT-4.7.1-1, MQTT-4.7.1-2: alone in its level, and # is last.
            guard isFirst, isLast || pattern[index] == UInt8(ascii: "+") && pattern[index + 1] == UInt8(ascii: "/")
            else {
                throw .misplacedWildcard
            }
        }
    }
}
