/// Why a text is no topic name or topic filter (MQTT 5.0, 4.7).
public enum TopicError: Error, Equatable, Sendable {
    /// Names and filters have at least one character (MQTT-4.7.3-1).
    case empty
    /// Longer than 65,535 octets of UTF-8 (MQTT-4.7.3-3).
    case tooLong
    /// Holds the null character U+0000 (MQTT-4.7.3-2).
    case containsNull
    /// A topic name holds `+` or `#` (MQTT-3.3.2-2).
    case wildcardInName
    /// `+` or `#` shares its level with other characters, or `#` is not last (MQTT-4.7.1-1, MQTT-4.7.1-2).
    case misplacedWildcard
    /// `$share/` without a group, with a wildcard in the group, or without a filter (MQTT-4.8.2-1, MQTT-4.8.2-2); `$exclusive/`
    /// without a filter, or before a shared one.
    case malformedShare
    /// The octets are not well-formed UTF-8 (MQTT-1.5.4-1).
    case notUTF8
}
