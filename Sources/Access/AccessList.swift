package import Messaging

/// The rules of one ACL file, ready to be asked.
///
/// A client is ruled by the lines of its user (or, without user name, by those before the first `user` line) and by all
/// patterns. A line with `deny` wins over all others; what no line names is refused.
package final class AccessList: Sendable {
    /// Rules that hold together.
    private struct RuleSet: Sendable {
        let rules: [AccessRule]
        let tree: RuleTree
        /// All rights that any rule names.
        let named: Rights

        init(_ rules: [AccessRule]) {
            self.rules = rules
            tree = RuleTree(rules)
            named = rules.reduce(into: []) { named, rule in
                if case .allow(let rights) = rule.effect { named.formUnion(rights) }
            }
        }
    }

    private let anonymous: RuleSet
    private let users: [String: RuleSet]
    private let patterns: RuleSet

    /// - Throws: the first line that is not right: a file is taken whole or not at all.
    package convenience init(path: String) throws(AccessFileError) {
        self.init(try AccessListParser.parse(AccessFile(path: path)))
    }

    /// - Parameter path: names the text in messages.
    package convenience init(text: String, path: String) throws(AccessFileError) {
        self.init(try AccessListParser.parse(AccessFile(path: path, text: text)))
    }

    private init(_ lines: AccessListParser) {
        anonymous = RuleSet(lines.anonymous)
        users = lines.users.mapValues { RuleSet($0) }
        patterns = RuleSet(lines.patterns)
    }

    /// Whether `principal` may read or write `topic`. Costs a walk along the topic's levels.
    func allows(_ right: Rights, _ topic: TopicName, _ principal: Principal) -> Bool {
        var verdict = RuleTree.Verdict()
        own(principal)?.tree.ask(topic, principal, &verdict)
        patterns.tree.ask(topic, principal, &verdict)
        return !verdict.isDenied && verdict.allowed.contains(right)
    }

    /// How much of what `filter` matches `principal` may receive. Costs a look at each of its rules.
    package func access(to filter: TopicFilter, by principal: Principal) -> SubscriptionAccess {
        let asked = FilterLevel.levels(of: filter)
        guard mayHandle(.subscribe, asked, principal) else { return .refused }
        var isDenied = false, isPartlyDenied = false, isReadable = false, isPartlyReadable = false
        forEachRule(of: principal) { effect, levels in
            switch effect {
            case .deny:
                isDenied = levels.contains(asked)
                isPartlyDenied = isPartlyDenied || levels.overlaps(asked)
            case .allow(let rights) where rights.contains(.read):
                isReadable = isReadable || levels.contains(asked)
                isPartlyReadable = isPartlyReadable || levels.overlaps(asked)
            case .allow: break
            }
            return !isDenied
        }
        guard !isDenied, isPartlyReadable else { return .refused }
        return isReadable && !isPartlyDenied ? .full : .partial
    }

    /// Whether `principal` may end a subscription to `filter`.
    func allowsUnsubscribing(_ filter: TopicFilter, _ principal: Principal) -> Bool {
        mayHandle(.unsubscribe, FilterLevel.levels(of: filter), principal)
    }

    /// True when no rule of the client names `right`, else when one that does contains `filter`.
    private func mayHandle(_ right: Rights, _ filter: [FilterLevel], _ principal: Principal) -> Bool {
        guard patterns.named.contains(right) || own(principal)?.named.contains(right) == true else { return true }
        var isAllowed = false
        forEachRule(of: principal) { effect, levels in
            guard case .allow(let rights) = effect, rights.contains(right), levels.contains(filter) else { return true }
            isAllowed = true
            return false
        }
        return isAllowed
    }

    private func own(_ principal: Principal) -> RuleSet? {
        if case .user(let name) = principal.kind { users[name] } else { anonymous }
    }

    /// Goes over the rules that say something about `principal`, until `body` returns false.
    private func forEachRule(of principal: Principal, _ body: (AccessRule.Effect, [FilterLevel]) -> Bool) {
        for set in [own(principal), patterns] {
            for rule in set?.rules ?? [] {
                guard let levels = rule.levels(for: principal) else { continue }
                guard body(rule.effect, levels) else { return }
            }
        }
    }
}
