import Messaging

/// Reads an ACL file in Mosquitto's format, line by line.
///
///     topic [word] <filter>        before the first user line: for clients without user name
///     user <name>                  the topic lines that follow are for this user
///     pattern [word] <filter>      for everybody; %c and %u stand for client id and user name, as whole levels
///
/// The word is one of read, write, readwrite (taken when there is none), deny, subscribe and unsubscribe. A filter with a space
/// in it needs a word before it.
struct AccessListParser {
    private(set) var anonymous: [AccessRule] = []
    private(set) var users: [String: [AccessRule]] = [:]
    private(set) var patterns: [AccessRule] = []

    static func parse(_ file: AccessFile) throws(AccessFileError) -> AccessListParser {
        var parser = AccessListParser()
        var user: String?
        for (number, text) in file.entries {
            let (keyword, rest) = text.splitAtBlank
            do throws(Problem) {
                switch keyword {
                case "user":
                    guard !rest.isEmpty else { throw Problem("the user name is missing", remedy: "write: user NAME") }
                    let name = String(rest)
                    user = name
                    parser.users[name, default: []] += []
                case "topic":
                    let rule = try rule(rest, isPattern: false)
                    if let user { parser.users[user, default: []].append(rule) } else { parser.anonymous.append(rule) }
                case "pattern": parser.patterns.append(try rule(rest, isPattern: true))
                default:
                    throw Problem("\"\(keyword)\" begins no line", remedy: "lines begin with topic, user, pattern or #")
                }
            } catch {
                throw file.problem(number, error.sentence, remedy: error.remedy)
            }
        }
        return parser
    }

    private struct Problem: Error {
        let sentence: String
        let remedy: String

        init(_ sentence: String, remedy: String) {
            self.sentence = sentence
            self.remedy = remedy
        }
    }

    private static func rule(_ text: Substring, isPattern: Bool) throws(Problem) -> AccessRule {
        guard !text.isEmpty else {
            throw Problem("the topic filter is missing", remedy: "write: topic read FILTER")
        }
        let (word, rest) = text.splitAtBlank
        guard !rest.isEmpty else {
            return AccessRule(levels: try levels(text, isPattern: isPattern), effect: .allow(.standard))
        }
        let effect: AccessRule.Effect
        if word == "deny" {
            effect = .deny
        } else if let rights = Rights(word: word) {
            effect = .allow(rights)
        } else {
            throw Problem(
                "\"\(word)\" is no access",
                remedy: "use read, write, readwrite, deny, subscribe or unsubscribe, also before a filter with a space")
        }
        return AccessRule(levels: try levels(rest, isPattern: isPattern), effect: effect)
    }

    private static func levels(_ text: Substring, isPattern: Bool) throws(Problem) -> [AccessRule.Level] {
        guard let filter = try? TopicFilter(String(text)) else {
            throw Problem("\"\(text)\" is no topic filter", remedy: "+ and # stand alone in their level, # comes last")
        }
        guard !filter.isShared else {
            throw Problem("a rule names no share group", remedy: "write the filter after the group alone")
        }
        var levels: [AccessRule.Level] = []
        for level in text.split(separator: "/", omittingEmptySubsequences: false) {
            switch level {
            case "+": levels.append(.any)
            case "#": levels.append(.rest)
            case "%c" where isPattern: levels.append(.clientID)
            case "%u" where isPattern: levels.append(.userName)
            case _ where isPattern && (level.contains("%c") || level.contains("%u")):
                throw Problem(
                    "%c and %u fill a whole level, which \"\(level)\" does not allow",
                    remedy: "give them a level of their own")
            default: levels.append(.name(String(level)))
            }
        }
        return levels
    }
}

extension Substring {
    /// The first word, and what follows it.
    fileprivate var splitAtBlank: (first: Substring, rest: Substring) {
        guard let blank = firstIndex(where: { $0 == " " || $0 == "\t" }) else { return (self, self[endIndex...]) }
        return (self[..<blank], self[blank...].trimmingBlanks)
    }
}
