/// Text that must not be seen: it prints as dots everywhere, also in a debugger's or a log's description.
package struct Secret: Sendable, Hashable, Decodable {
    /// The text itself, for the one place that compares or sends it.
    package let revealed: String

    package init(_ text: String) {
        revealed = text
    }

    package init(from decoder: any Decoder) throws {
        revealed = try decoder.singleValueContainer().decode(String.self)
    }

    /// What is shown instead.
    package static let dots = "••••••"
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { Self.dots }
    package var debugDescription: String { Self.dots }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
