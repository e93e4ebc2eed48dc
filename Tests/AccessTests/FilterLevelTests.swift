import Messaging
import TestKit
import Testing

@testable import Access

@Suite struct FilterLevelTests {
    private func levels(_ filter: String) throws -> [FilterLevel] { FilterLevel.levels(of: try TopicFilter(filter)) }

    @Test(arguments: [
        ("a/b", "a/b", true), ("a/b", "a/c", false), ("a/+", "a/b", true), ("a/b", "a/+", false), ("a/+", "a/+", true),
        ("a/#", "a", true), ("a/#", "a/b/c", true), ("a/#", "a/+/#", true), ("a/+", "a/#", false), ("a/+/#", "a/#", false),
        ("#", "#", true), ("#", "+/x", true), ("#", "$SYS/x", false), ("+/x", "$SYS/x", false), ("$SYS/#", "$SYS/+", true),
        ("#", "$SYS/#", false), ("+", "/", false), ("+/+", "/", true), ("a", "a/b", false), ("a/b", "a", false),
    ])
    func containment(outer: String, inner: String, expected: Bool) throws {
        #expect(try levels(outer).contains(levels(inner)) == expected)
    }

    @Test(arguments: [
        ("a/+", "+/b", true), ("a/#", "+/b", true), ("a/b", "a/c", false), ("a/#", "a", true), ("a/#", "b/#", false),
        ("#", "$SYS/#", false), ("+/x", "$SYS/x", false), ("$SYS/#", "$SYS/+", true), ("a/+", "a", false), ("+", "#", true),
        ("a/b/#", "a", false), ("+/+/c", "a/#", true),
    ])
    func overlap(left: String, right: String, expected: Bool) throws {
        #expect(try levels(left).overlaps(levels(right)) == expected)
        #expect(try levels(right).overlaps(levels(left)) == expected)
    }

    /// Against the definition, on random filters and topics: what the inner one matches the outer one matches.
    @Test func agreesWithMatching() throws {
        var generator = SeededGenerator(seed: 7)
        let words = ["a", "b", "+", "#", "$s", ""]
        func filter() -> TopicFilter? {
            let count = Int.random(in: 1...3, using: &generator)
            let text = (0..<count).map { _ in words.randomElement(using: &generator) ?? "a" }.joined(separator: "/")
            return try? TopicFilter(text)
        }
        let names = ["a", "b", "$s", "", "c"]
        let topics: [TopicName] = names.flatMap { first in
            [first] + names.flatMap { second in ["\(first)/\(second)"] + names.map { "\(first)/\(second)/\($0)" } + ["\(first)/\(second)/c/c"] }
        }.compactMap { try? TopicName($0) }
        for _ in 0..<3_000 {
            guard let outer = filter(), let inner = filter() else { continue }
            // What these two have in common is the empty name, which no topic has.
            guard Set([outer.string, inner.string]) != ["/#", "+"] else { continue }
            let outerMatches = Set(topics.filter { outer.matches($0) })
            let innerMatches = Set(topics.filter { inner.matches($0) })
            let (outerLevels, innerLevels) = (FilterLevel.levels(of: outer), FilterLevel.levels(of: inner))
            if outerLevels.contains(innerLevels) {
                #expect(innerMatches.isSubset(of: outerMatches), "\(outer) contains \(inner)")
            } else {
                #expect(!innerMatches.isSubset(of: outerMatches) || innerMatches.isEmpty, "\(outer) does not contain \(inner)")
            }
            #expect(outerLevels.overlaps(innerLevels) == !innerMatches.isDisjoint(with: outerMatches), "\(outer) and \(inner)")
        }
    }
}
