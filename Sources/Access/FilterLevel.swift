import Messaging

/// One level of a topic filter, for comparing filters with each other.
enum FilterLevel: Equatable {
    case name(Substring)
    case any
    case rest

    static func levels(of filter: TopicFilter) -> [FilterLevel] {
        filter.pattern.split(separator: "/", omittingEmptySubsequences: false).map { level in
            switch level {
            case "+": .any
            case "#": .rest
            default: .name(level)
            }
        }
    }

    /// A wildcard at the first level does not match names that start with `$` (MQTT-4.7.2-1).
    fileprivate var isReserved: Bool {
        if case .name(let name) = self { name.utf8.first == UInt8(ascii: "$") } else { false }
    }

    fileprivate func hasSameName(as other: FilterLevel) -> Bool {
        guard case .name(let left) = self, case .name(let right) = other else { return false }
        return left.utf8.elementsEqual(right.utf8)  // MQTT-4.7.3-4: no Unicode normalisation
    }
}

extension [FilterLevel] {
    /// Whether every topic that `other` matches is matched by this filter.
    func contains(_ other: [FilterLevel]) -> Bool {
        for depth in 0..<Swift.max(count, other.count) {
            let theirs = depth < other.count ? other[depth] : nil
            guard depth < count else { return false }
            switch self[depth] {
            case .rest: return depth > 0 || theirs?.isReserved != true
            case .any:
                guard let theirs, theirs != .rest, depth > 0 || !theirs.isReserved else { return false }
            case .name:
                guard let theirs, self[depth].hasSameName(as: theirs) else { return false }
            }
        }
        return true
    }

    /// Whether some topic is matched by both filters.
    func overlaps(_ other: [FilterLevel]) -> Bool {
        for depth in 0..<Swift.max(count, other.count) {
            let ours = depth < count ? self[depth] : nil
            let theirs = depth < other.count ? other[depth] : nil
            if ours == .rest { return depth > 0 || theirs?.isReserved != true }
            if theirs == .rest { return depth > 0 || ours?.isReserved != true }
            guard let ours, let theirs else { return false }
            switch (ours, theirs) {
            case (.any, _): guard depth > 0 || !theirs.isReserved else { return false }
            case (_, .any): guard depth > 0 || !ours.isReserved else { return false }
            default: guard ours.hasSameName(as: theirs) else { return false }
            }
        }
        return true
    }
}
