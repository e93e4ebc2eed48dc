extension SettingsTree {
    /// The tree of one environment variable: `APUS_MQTT__TCP__PORT` names `mqtt.tcp.port`.
    ///
    /// Two underscores separate keys because one underscore is part of many of them (`max_connections`).
    static func parse(
        environmentVariable name: String, prefix: String, value: String
    ) throws(SettingsError) -> SettingsTree {
        let origin = SettingsOrigin.environment(name: name)
        let path = split(name.dropFirst(prefix.count).lowercased(), by: "__")
        guard path.allSatisfy({ !$0.isEmpty }) else {
            throw SettingsError(
                key: name, problem: "does not name a setting", origin: origin,
                remedy: "write it like \(prefix)MQTT__TCP__PORT, two underscores between keys")
        }
        return SettingsTree(path: path, leaf: try leaf(value, origin: origin))
    }

    /// The tree of one `--set` argument: `mqtt.tcp.port=1883`.
    static func parse(argument: String) throws(SettingsError) -> SettingsTree {
        guard let equals = argument.firstIndex(of: "=") else {
            throw SettingsError(
                key: argument, problem: "has no value", origin: .argument(key: argument),
                remedy: "write it like --set mqtt.tcp.port=1883")
        }
        let key = String(argument[..<equals])
        let origin = SettingsOrigin.argument(key: key)
        let path = split(key, by: ".")
        guard path.allSatisfy({ !$0.isEmpty }) else {
            throw SettingsError(
                key: key, problem: "does not name a setting", origin: origin,
                remedy: "write it like --set mqtt.tcp.port=1883")
        }
        return SettingsTree(path: path, leaf: try leaf(String(argument[argument.index(after: equals)...]), origin: origin))
    }

    /// Text that opens a YAML list, mapping or quotation is read as YAML; any other text is the value itself, so that a
    /// shell user need not quote twice.
    private static func leaf(_ text: String, origin: SettingsOrigin) throws(SettingsError) -> SettingsTree {
        switch text.first {
        case "[", "{", "\"", "'": try parse(yaml: text) { _, _ in origin }
        case nil: SettingsTree(.scalar(""), origin: origin)
        default: SettingsTree(text == "null" || text == "~" ? .null : .scalar(text), origin: origin)
        }
    }

    private static func split(_ text: String, by separator: String) -> [String] {
        text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}
