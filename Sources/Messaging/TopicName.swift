/// The name a message is published under: levels separated by `/`, no wildcards (MQTT 5.0, 4.7).
///
/// Two names are equal when their octets are: no Unicode normalisation takes place (MQTT-4.7.3-4), which is why
/// equality and hashing are written out here instead of taken from `String`.
public struct TopicName: Hashable, Sendable, CustomStringConvertible {
    /// Longest name, in octets of UTF-8.
    public static let maximumOctets = 65_535

    /// The name as text. Contiguous UTF-8, so `utf8` walks are plain memory walks.
    public let string: String

    /// Checks `string` against the rules for topic names.
    /// - Throws: `TopicError` naming the first rule broken.
    public init(_ string: String) throws(TopicError) {
        var string = string
        string.makeContiguousUTF8()
        try Self.check(string)
        self.string = string
    }

    /// Checks and copies octets received from a peer.
    /// - Throws: `TopicError` naming the first rule broken.
    public init(utf8 octets: some Collection<UInt8>) throws(TopicError) {
        guard let string = String(validating: octets, as: UTF8.self) else { throw .notUTF8 }
        try self.init(string)
    }

    /// Copies octets that a codec has checked already: well-formed UTF-8 with no null and no wildcard, not too long.
    /// - Throws: `TopicError.empty`.
    public init(checked octets: UnsafeRawBufferPointer) throws(TopicError) {
        guard !octets.isEmpty else { throw .empty }
        self.init(known: octets)
        assert((try? TopicName(string)) == self, "the codec has checked the name")
    }

    /// Copies the octets of a name.
    init(known octets: UnsafeRawBufferPointer) {
        let isASCII = OctetScan(octets).isASCII
        string = String(
            copying: UTF8Span(unchecked: octets.assumingMemoryBound(to: UInt8.self).span, isKnownASCII: isASCII))
    }

    /// The name that a filter without wildcards spells, to which the same rules apply.
    init(known string: String) { self.string = string }

    private static func check(_ string: String) throws(TopicError) {
        guard !string.utf8.isEmpty else { throw .empty }
        guard string.utf8.count <= maximumOctets else { throw .tooLong }
        let scan = OctetScan(string)
        guard !scan.hasNull else { throw .containsNull }
        guard !scan.hasWildcard else { throw .wildcardInName }
    }

    /// True for names whose first level starts with `$`: a filter that starts with a wildcard does not match them (MQTT-4.7.2-1).
    public var isReserved: Bool { string.utf8.first == UInt8(ascii: "$") }

    public var description: String { string }

    public static func == (left: TopicName, right: TopicName) -> Bool {
        left.string.hasSameOctets(as: right.string)
    }

    public func hash(into hasher: inout Hasher) { string.hashOctets(into: &hasher) }
}
