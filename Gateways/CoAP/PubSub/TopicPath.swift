import Messaging

/// Topics as paths: `ps/{level}/{level}…`, one Uri-Path segment for each level. Segments come decoded, so a segment may
/// hold `/` itself; it then stands for several levels, which is how a topic with a leading slash can be written (`ps/%2Fa`).
enum TopicPath {
    static let root = "ps"

    /// The topic text of a path under the root; nil when there is none.
    static func text(_ path: [String]) -> String? {
        guard path.first == root, path.count > 1 else { return nil }
        let text = path.dropFirst().joined(separator: "/")
        return text.isEmpty ? nil : text
    }

    /// The path of a topic, as Location-Path. Nil when it does not fit beside a block into a datagram.
    static func path(of topic: TopicName) -> [String]? {
        let levels = topic.string.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let octets = levels.reduce(0) { $0 + $1.utf8.count + 2 }
        // RFC 7252, 5.10: a segment has at most 255 octets.
        guard octets <= longestPath, levels.allSatisfy({ $0.utf8.count <= 255 }) else { return nil }
        return [root] + levels
    }

    /// A datagram of 1472 octets less a block of 1024, header, token and other options.
    private static let longestPath = 320

    /// For the person at the other end.
    static func explain(_ error: TopicError) -> String {
        switch error {
        case .empty: "name a topic: ps/{topic}"
        case .tooLong: "the topic is longer than 65535 octets"
        case .containsNull: "a topic cannot hold the character NUL"
        case .wildcardInName: "wildcards are for observing only"
        case .misplacedWildcard: "+ and # stand alone in their level, # at the end"
        case .malformedShare: "shared filters are $share/{group}/{filter}"
        case .notUTF8: "a topic is UTF-8 text"
        }
    }
}
