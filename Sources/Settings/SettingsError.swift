/// What is wrong with the settings, told to the person who can put it right: the key, the place and the remedy.
///
///     mqtt.tcp.prot is not a known key (apus.yaml:4:5): did you mean mqtt.tcp.port?
package struct SettingsError: Error, Sendable, Equatable {
    /// The full key, parts joined by dots; empty when the text as a whole is meant.
    package var key: String
    /// The rest of a sentence that begins with the key.
    package var problem: String
    package var origin: SettingsOrigin
    /// What to do about it, when that is known.
    package var remedy: String?

    package init(key: String, problem: String, origin: SettingsOrigin, remedy: String?) {
        self.key = key
        self.problem = problem
        self.origin = origin
        self.remedy = remedy
    }

    init(path: [String], problem: String, origin: SettingsOrigin, remedy: String?) {
        self.init(key: path.joined(separator: "."), problem: problem, origin: origin, remedy: remedy)
    }
}

extension SettingsError: CustomStringConvertible {
    package var description: String {
        let subject = key.isEmpty ? "the configuration" : key
        let remedy = remedy.map { ": \($0)" } ?? ""
        return "\(subject) \(problem) (\(origin))\(remedy)"
    }
}

/// Thrown by a setting's own type when text does not describe it; the decoder adds key and place.
package struct InvalidSetting: Error, Sendable, Equatable {
    /// What would be right, as the end of the sentence "needs …".
    package var expected: String

    package init(expected: String) {
        self.expected = expected
    }
}
