import Messaging
import Synchronization

/// One rule: a topic or filter that matches `source` and `expression` becomes `destination`.
package struct TopicRewrite: Sendable {
    package enum Action: String, Sendable, CaseIterable {
        case publish, subscribe, all
    }

    package let action: Action
    /// A topic filter. The filter of a subscription is compared as text: its `+` and `#` are levels like others.
    package let source: String
    /// A regular expression, found anywhere in the text unless it says otherwise.
    package let expression: String
    /// With `$1` to `$9` for groups of the expression, `${clientid}` and `${username}`.
    package let destination: String

    package init(action: Action, source: String, expression: String, destination: String) {
        self.action = action
        self.source = source
        self.expression = expression
        self.destination = destination
    }
}

/// A rule that cannot be used.
package struct TopicRewriteError: Error, Sendable, Equatable {
    /// Place in the list, from 0 on.
    package let index: Int
    /// The rest of a sentence that begins with the rule.
    package let problem: String
    package let remedy: String
}

/// Rewrites topics by rules; the first that applies does, and only that one.
///
/// The rules are locked while a text is compared: an expression keeps what it has compiled, which threads must not share. Only
/// texts that match a rule's source get that far.
package final class TopicRewriter: Sendable {
    private struct Rule {
        let action: TopicRewrite.Action
        let source: TopicFilter
        let expression: Regex<AnyRegexOutput>
        let destination: String
    }

    private let rules: Mutex<[Rule]>

    /// - Throws: the first rule that cannot be used.
    package init(_ rewrites: [TopicRewrite]) throws(TopicRewriteError) {
        var rules: [Rule] = []
        for (index, rewrite) in rewrites.enumerated() {
            guard let source = try? TopicFilter(rewrite.source), source.isPlain else {
                throw TopicRewriteError(
                    index: index, problem: "has the source \"\(rewrite.source)\", which is no topic filter",
                    remedy: "write a filter such as sensors/#")
            }
            guard let expression = try? Regex(rewrite.expression) else {
                throw TopicRewriteError(
                    index: index, problem: "has \"\(rewrite.expression)\", which is no regular expression",
                    remedy: "write one such as ^sensors/(.+)$")
            }
            guard !rewrite.destination.isEmpty else {
                throw TopicRewriteError(
                    index: index, problem: "has no destination", remedy: "write a topic such as devices/$1")
            }
            rules.append(
                Rule(action: rewrite.action, source: source, expression: expression, destination: rewrite.destination))
        }
        self.rules = Mutex(rules)
    }

    /// The name a message is published under instead; nil when no rule applies.
    func rewritten(_ topic: TopicName, for principal: Principal) -> TopicName? {
        rewrite(topic.string, .publish, principal).flatMap { try? TopicName($0) }
    }

    /// The filter that is subscribed instead; nil when no rule applies. What stands before the filter (`$share/…/`,
    /// `$exclusive/`) stays.
    func rewritten(_ filter: TopicFilter, for principal: Principal) -> TopicFilter? {
        guard let pattern = rewrite(filter.pattern, .subscribe, principal) else { return nil }
        return try? TopicFilter(filter.string.dropLast(filter.pattern.count) + pattern)
    }

    private func rewrite(_ text: String, _ action: TopicRewrite.Action, _ principal: Principal) -> String? {
        rules.withLock { rules in
            for rule in rules where rule.action == action || rule.action == .all {
                guard rule.source.matchesText(text), let match = try? rule.expression.firstMatch(in: text) else {
                    continue
                }
                return Placeholders(principal).expand(rule.destination) { group in
                    guard group < match.output.count else { return "" }
                    return match.output[group].substring.map(String.init) ?? ""
                }
            }
            return nil
        }
    }
}

extension TopicFilter {
    /// Neither shared nor exclusive.
    var isPlain: Bool { string.utf8.count == pattern.utf8.count }

    /// Like `matches`, for any text: `+` and `#` in it are levels like others.
    fileprivate func matchesText(_ text: String) -> Bool {
        var levels = text.split(separator: "/", omittingEmptySubsequences: false)[...]
        if let first = pattern.first, first == "+" || first == "#", text.first == "$" { return false }  // MQTT-4.7.2-1
        for level in pattern.split(separator: "/", omittingEmptySubsequences: false) {
            if level == "#" { return true }
            guard let other = levels.popFirst() else { return false }
            guard level == "+" || level.utf8.elementsEqual(other.utf8) else { return false }
        }
        return levels.isEmpty
    }
}
