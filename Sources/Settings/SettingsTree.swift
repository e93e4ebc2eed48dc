/// A tree of settings in which every value remembers the layer it came from.
///
/// Scalars stay text until a type asks for them, because only the type knows whether `30` is a number, a name or a mistake.
package struct SettingsTree: Sendable, Equatable {
    package enum Content: Sendable, Equatable {
        /// Nothing (`null`, `~` or an empty value): an optional setting that is not set.
        case null
        case scalar(String)
        case sequence([SettingsTree])
        case mapping([String: SettingsTree])
    }

    package var content: Content
    package var origin: SettingsOrigin

    package init(_ content: Content, origin: SettingsOrigin) {
        self.content = content
        self.origin = origin
    }

    /// A tree with one value at the end of `path`, as an environment variable or a `--set` argument describes it.
    init(path: some BidirectionalCollection<String>, leaf: SettingsTree) {
        self = path.reversed().reduce(leaf) { inner, key in
            SettingsTree(.mapping([key: inner]), origin: leaf.origin)
        }
    }

    /// Lays `other` over this tree: mappings merge key by key, everything else is replaced whole.
    ///
    /// A sequence is replaced rather than extended, so that what a higher layer says is all there is.
    package mutating func overlay(_ other: SettingsTree) {
        guard case .mapping(var mine) = content, case .mapping(let theirs) = other.content else {
            self = other
            return
        }
        for (key, value) in theirs {
            mine[key, default: value].overlay(value)
        }
        content = .mapping(mine)
    }
}
