/// What is wrong with a password or ACL file, told to the person who can put it right: the place, a sentence, the remedy.
///
///     /etc/apus/users:3: the line has no colon between user name and hash: make entries with apus passwd
package struct AccessFileError: Error, Sendable, Equatable, CustomStringConvertible {
    package let path: String
    /// From 1 on; nil when the file as a whole is meant.
    package let line: Int?
    package let problem: String
    package let remedy: String

    package var description: String {
        let place = line.map { "\(path):\($0)" } ?? path
        return "\(place): \(problem): \(remedy)"
    }
}

/// Why a text is no hash.
package enum PasswordHashError: Error, Sendable, Equatable {
    /// It does not begin with `$`: a password in clear text.
    case clearText
    /// A method other than `$6$` and `$7$`.
    case unknownMethod
    /// Iterations that are no number or out of range.
    case iterations
    case malformed

    var problem: String {
        switch self {
        case .clearText: "the password is in clear text"
        case .unknownMethod: "the hash is of a kind that is not known here; $6$, $7$ and $scram-sha-256$ are"
        case .iterations: "the number of iterations is not from 1 to \(PasswordHash.iterationRange.upperBound)"
        case .malformed: "the hash is damaged"
        }
    }

    var remedy: String {
        switch self {
        case .clearText: "convert the file with apus passwd -U"
        case .unknownMethod: "set the password anew with apus passwd, or with mosquitto_passwd -H sha512-pbkdf2"
        case .iterations, .malformed: "set the password anew with apus passwd"
        }
    }
}
