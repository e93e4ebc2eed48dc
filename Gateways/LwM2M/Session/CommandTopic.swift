/// The topics of one device, and the meaning of a command's topic.
///
/// ```
/// lwm2m/{endpoint}/status                     retained JSON: online or offline, and what the device said
/// lwm2m/{endpoint}/event                      JSON: registered, updated, deregistered, expired, observation_ended
/// lwm2m/{endpoint}/report                     JSON: how each command went
/// lwm2m/{endpoint}/r/{o}/{i}/{r}[/{ri}]       retained JSON scalar: the last value seen
/// lwm2m/{endpoint}/r/{o}[/{i}[/{r}[/{ri}]]]/{verb}    commands
/// ```
struct CommandTopic: Equatable, Sendable {
    static let prefix = "lwm2m"

    enum Verb: String, Sendable, CaseIterable {
        case get, discover, observe, cancel, set, replace, exec, create, delete

        /// Depths of the paths the operation can be asked for (LwM2M Core 1.1 6.3 and 6.4).
        var depths: ClosedRange<Int> {
            switch self {
            case .get, .observe, .cancel: 1...4
            case .discover: 1...3
            case .set: 2...4
            case .exec: 3...3
            case .create: 1...2
            case .replace, .delete: 2...2
            }
        }

        /// As reports call what it asks for; see `Operation.name`.
        var operation: String {
            switch self {
            case .get: "read"
            case .set, .replace: "write"
            case .exec: "execute"
            case .discover, .observe, .cancel, .create, .delete: rawValue
            }
        }
    }

    var endpoint: String
    var path: ObjectPath
    var verb: Verb
}

extension CommandTopic {
    /// Reads a topic one of `filters` matched; nil when the path is none or the verb cannot be asked for it.
    init?(_ topic: String) {
        let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
        guard levels.count >= 5, levels[0] == Self.prefix, levels[2] == "r",
            let verb = Verb(rawValue: String(levels[levels.count - 1])),
            let path = ObjectPath(segments: levels[3..<(levels.count - 1)]), verb.depths.contains(path.depth)
        else { return nil }
        self.init(endpoint: String(levels[1]), path: path, verb: verb)
    }

    /// Filters of all commands to one device, or with `+` to all devices.
    static func filters(endpoint: String) -> [String] {
        Verb.allCases.flatMap { verb in
            verb.depths.map { depth in
                "\(prefix)/\(endpoint)/r/" + String(repeating: "+/", count: depth) + verb.rawValue
            }
        }
    }

    /// Whether one of a device's own `filters` matches, so that the device answers for it.
    static func isSubscribedTo(_ topic: String) -> Bool {
        let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
        guard levels.count >= 4, let verb = Verb(rawValue: String(levels[levels.count - 1])) else { return false }
        return verb.depths.contains(levels.count - 4)
    }

    /// Reads the topic of a device's value; nil when it is something else.
    static func valuePath(_ topic: String, of endpoint: String) -> ObjectPath? {
        let prefix = "\(prefix)/\(endpoint)/r/"
        guard topic.hasPrefix(prefix), let path = ObjectPath(text: topic.dropFirst(prefix.count)), path.depth >= 3
        else {
            return nil
        }
        return path
    }

    /// The filter of all values of a device.
    static func values(_ endpoint: String) -> String { "\(prefix)/\(endpoint)/r/#" }
    static func value(_ endpoint: String, _ path: ObjectPath) -> String { "\(prefix)/\(endpoint)/r\(path)" }
    static func status(_ endpoint: String) -> String { "\(prefix)/\(endpoint)/status" }
    static func event(_ endpoint: String) -> String { "\(prefix)/\(endpoint)/event" }
    static func report(_ endpoint: String) -> String { "\(prefix)/\(endpoint)/report" }

    /// Endpoint named by a topic of this scheme, whatever follows.
    static func endpoint(of topic: String) -> String? {
        let levels = topic.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        return levels.count == 3 && levels[0] == prefix ? String(levels[1]) : nil
    }
}
