import Messaging

/// One line of an ACL file: a filter with what it gives, or that it takes.
struct AccessRule: Sendable {
    enum Effect: Sendable, Equatable {
        case allow(Rights)
        /// Neither read nor write nor subscribe, whatever other lines say.
        case deny
    }

    /// One level of the filter.
    enum Level: Sendable, Equatable {
        case name(String)
        /// `+`
        case any
        /// `#`
        case rest
        /// `%c` and `%u` of a pattern.
        case clientID
        case userName
    }

    let levels: [Level]
    let effect: Effect

    /// The levels for one client. A client whose name cannot be a level (`Principal.name(for:)`) gets nothing by a pattern, and
    /// is denied what any name would be: a name must never widen a rule (CVE-2017-7650).
    /// - Returns: nil when the rule says nothing about this client.
    func levels(for principal: Principal) -> [FilterLevel]? {
        var resolved: [FilterLevel] = []
        resolved.reserveCapacity(levels.count)
        for (depth, level) in levels.enumerated() {
            switch level {
            case .name(let name): resolved.append(.name(name[...]))
            case .any: resolved.append(.any)
            case .rest: resolved.append(.rest)
            case .clientID, .userName:
                switch principal.name(for: level, depth: depth) {
                case .none: return nil
                case .usable(let name): resolved.append(.name(name[...]))
                case .unusable:
                    guard effect == .deny else { return nil }
                    resolved.append(.any)
                }
            }
        }
        return resolved
    }
}

/// What fills a placeholder.
enum PlaceholderName: Equatable {
    /// The client has none.
    case none
    case usable(String)
    /// It is no level of a topic, or one that is not its own to choose.
    case unusable
}

extension Principal {
    /// The name that fills `level` at `depth`. Names with `+`, `#` or `/` are no level; one with a leading `$` would reach the
    /// gateway's own topics when it stands first.
    func name(for level: AccessRule.Level, depth: Int) -> PlaceholderName {
        let name: String
        switch (level, kind) {
        case (.clientID, _):
            guard let clientID else { return .none }
            name = clientID.string
        case (.userName, .user(let user)): name = user
        default: return .none
        }
        let isLevel = !name.isEmpty && !name.utf8.contains { Self.separators.contains($0) }
        return isLevel && !(depth == 0 && name.utf8.first == UInt8(ascii: "$")) ? .usable(name) : .unusable
    }

    private static var separators: [UInt8] { [UInt8(ascii: "+"), UInt8(ascii: "#"), UInt8(ascii: "/"), 0] }
}
