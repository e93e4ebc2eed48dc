import Messaging
import TestKit
import Testing

@testable import Access

@Suite struct AccessListTests {
    private func client(_ id: String? = "c1", user: String? = nil) -> Principal {
        Principal(kind: user.map { .user($0) } ?? .anonymous, clientID: id.map { ClientID($0) })
    }

    private func list(_ text: String) throws -> AccessList { try AccessList(text: text, path: "acl") }

    private func rights(_ list: AccessList, _ topic: String, _ principal: Principal) throws -> Rights {
        let topic = try TopicName(topic)
        return [Rights.read, .write].reduce(into: []) { if list.allows($1, topic, principal) { $0.formUnion($1) } }
    }

    static let example = """
        # for clients without user name
        topic read public/#
        topic write inbox

        user alice
        topic home/alice/#
        topic read home/+/temperature
        topic deny home/alice/secret/#
        topic read a topic with spaces
        user bob
        topic deny #

        pattern write status/%c
        pattern readwrite users/%u/#
        pattern deny users/%u/locked
        """

    @Test(arguments: [
        (nil, "public", Rights.read), (nil, "public/a/b", .read), (nil, "inbox", .write), (nil, "home/alice/x", []),
        ("alice", "public/a", []), ("alice", "home/alice/x", [.read, .write]), ("alice", "home/bob/temperature", .read),
        ("alice", "home/bob/humidity", []), ("alice", "home/alice/secret", []), ("alice", "home/alice/secret/x", []),
        ("alice", "a topic with spaces", .read), ("bob", "status/c1", []), ("bob", "users/bob/x", []),
        (nil, "status/c1", .write), (nil, "status/c2", []), ("alice", "status/c1", .write), ("carol", "users/carol/x", [.read, .write]),
        ("carol", "users/carol", [.read, .write]), ("carol", "users/carol/locked", []), ("carol", "users/alice/x", []),
        (nil, "users/x", []), (nil, "$SYS/broker/uptime", []),
    ] as [(String?, String, Rights)])
    func givesWhatIsListedAndNothingElse(user: String?, topic: String, expected: Rights) throws {
        #expect(try rights(list(Self.example), topic, client(user: user)) == expected)
    }

    /// CVE-2017-7650: a name with wildcards must not widen a pattern.
    @Test(arguments: ["+", "#", "a/b", "+/#", "", "a/#", "\u{0}"])
    func aNameThatIsNoLevelGetsNothingByAPattern(name: String) throws {
        for (pattern, principal) in [("data/%c/#", client(name)), ("data/%u/#", client("c", user: name))] {
            let list = try list("pattern readwrite \(pattern)\n")
            for topic in ["data/a/b", "data/x", "data/", "data/a/b/c"] {
                #expect(try rights(list, topic, principal) == [])
            }
            for filter in ["data/+/#", "data/#", "data/a/b/#", "#"] {
                #expect(list.access(to: try TopicFilter(filter), by: principal) == .refused)
            }
        }
    }

    @Test func aNameThatIsNoLevelDoesNotEscapeADeny() throws {
        let list = try list("topic readwrite data/#\npattern deny data/%c/private\n")
        #expect(try rights(list, "data/x/private", client("a/b")) == [])
        #expect(try rights(list, "data/x/public", client("a/b")) == [.read, .write])
        #expect(try rights(list, "data/x/private", client("y")) == [.read, .write])
        #expect(list.access(to: try TopicFilter("data/x/private"), by: client("+")) == .refused)
    }

    /// A client cannot name itself after the gateway's own topics.
    @Test func aNameThatBeginsWithADollarIsNoFirstLevel() throws {
        let list = try list("pattern read %c/#\n")
        #expect(try rights(list, "$SYS/broker/uptime", client("$SYS")) == [])
        #expect(try rights(list, "c1/x", client()) == .read)
    }

    @Test(arguments: [
        ("public/#", SubscriptionAccess.full), ("public/+/x", .full), ("$share/g/public/x", .full), ("public", .full),
        ("#", .partial), ("+/x", .partial), ("other/#", .refused), ("inbox", .refused), ("$SYS/#", .refused),
    ])
    func subscriptionsOfTheAnonymous(filter: String, expected: SubscriptionAccess) throws {
        #expect(try list(Self.example).access(to: try TopicFilter(filter), by: client()) == expected)
    }

    @Test(arguments: [
        ("home/alice/#", SubscriptionAccess.partial), ("home/alice/x", .full), ("home/alice/secret/x", .refused),
        ("home/alice/secret/#", .refused), ("home/+/temperature", .full), ("home/+/#", .partial), ("home/bob/x", .refused),
        ("users/alice/#", .partial), ("users/alice/open", .full),
    ])
    func subscriptionsOfAUser(filter: String, expected: SubscriptionAccess) throws {
        #expect(try list(Self.example).access(to: try TopicFilter(filter), by: client(user: "alice")) == expected)
    }

    @Test func theSubscribeWordBindsSubscriptionsToItsFilters() throws {
        let list = try list("topic read #\ntopic subscribe a/#\n")
        #expect(list.access(to: try TopicFilter("a/b"), by: client()) == .full)
        #expect(list.access(to: try TopicFilter("#"), by: client()) == .refused)
        #expect(list.access(to: try TopicFilter("b"), by: client()) == .refused)
        // It gives no right to receive by itself.
        let silent = try self.list("topic subscribe a/#\n")
        #expect(silent.access(to: try TopicFilter("a/b"), by: client()) == .refused)
    }

    @Test func theUnsubscribeWordBindsUnsubscribingToItsFilters() throws {
        let list = try list("topic read #\nuser alice\ntopic read #\ntopic unsubscribe a/+\n")
        #expect(list.allowsUnsubscribing(try TopicFilter("b"), client()))
        #expect(list.allowsUnsubscribing(try TopicFilter("a/b"), client(user: "alice")))
        #expect(!list.allowsUnsubscribing(try TopicFilter("b"), client(user: "alice")))
    }

    @Test(arguments: [
        ("topic", "acl:1: the topic filter is missing: write: topic read FILTER"),
        ("\n# c\ntopic raed a/b", "acl:3: \"raed\" is no access: use read, write, readwrite, deny, subscribe or unsubscribe, also before a filter with a space"),
        ("topic read a/#/b", "acl:1: \"a/#/b\" is no topic filter: + and # stand alone in their level, # comes last"),
        ("user", "acl:1: the user name is missing: write: user NAME"),
        ("topics a", "acl:1: \"topics\" begins no line: lines begin with topic, user, pattern or #"),
        ("pattern read a/x%c", "acl:1: %c and %u fill a whole level, which \"x%c\" does not allow: give them a level of their own"),
        ("topic read $share/g/a", "acl:1: a rule names no share group: write the filter after the group alone"),
    ])
    func aWrongLineIsNamed(text: String, sentence: String) {
        let error = #expect(throws: AccessFileError.self) { try AccessList(text: text, path: "acl") }
        #expect(error?.description == sentence)
    }

    @Test func anEmptyFileRefusesEverything() throws {
        #expect(try rights(list(""), "a", client()) == [])
        #expect(try list("").access(to: try TopicFilter("#"), by: client(user: "a")) == .refused)
    }

    /// The tree against the plain definition: any rule that matches, deny first.
    @Test func theTreeSaysWhatTheLinesSay() throws {
        var generator = SeededGenerator(seed: 11)
        let words = ["a", "b", "+", "#", "$s", "", "%c", "%u", "longer name"]
        let names = ["a", "b", "$s", "", "c1", "u1", "longer name"]
        for _ in 0..<200 {
            var lines: [(word: String, filter: String)] = []
            for _ in 0..<6 {
                let count = Int.random(in: 1...3, using: &generator)
                let filter = (0..<count).map { _ in words.randomElement(using: &generator) ?? "a" }.joined(separator: "/")
                guard (try? TopicFilter(filter)) != nil else { continue }
                lines.append((["read", "write", "deny"].randomElement(using: &generator) ?? "read", filter))
            }
            let list = try list(lines.map { "pattern \($0.word) \($0.filter)\n" }.joined())
            for _ in 0..<40 {
                let count = Int.random(in: 1...3, using: &generator)
                let text = (0..<count).map { _ in names.randomElement(using: &generator) ?? "a" }.joined(separator: "/")
                guard let topic = try? TopicName(text) else { continue }
                let matching = try lines.filter { line in
                    let filter = line.filter.replacing("%c", with: "c1").replacing("%u", with: "u1")
                    return try TopicFilter(filter).matches(topic)
                }
                let isDenied = matching.contains { $0.word == "deny" }
                let expected = !isDenied && matching.contains { $0.word == "read" }
                #expect(list.allows(.read, topic, client(user: "u1")) == expected, "\(text) under \(lines)")
            }
        }
    }
}
