/// The users of one password file: `user:hash`, one a line, as `apus passwd` and mosquitto_passwd write them. Blank lines
/// and lines that begin with `#` say nothing.
package struct PasswordFile: Sendable {
    package private(set) var users: [String: PasswordHash] = [:]

    /// - Throws: the first line that is not right: a file is taken whole or not at all.
    package init(path: String) throws(AccessFileError) {
        try self.init(AccessFile(path: path))
    }

    /// - Parameter path: names the text in messages.
    package init(text: String, path: String) throws(AccessFileError) {
        try self.init(AccessFile(path: path, text: text))
    }

    private init(_ file: AccessFile) throws(AccessFileError) {
        for (number, text) in file.entries {
            guard let colon = text.firstIndex(of: ":") else {
                throw file.problem(
                    number, "the line has no colon between user name and hash", remedy: "make entries with apus passwd")
            }
            let name = String(text[..<colon].trimmingBlanks)
            guard !name.isEmpty else { throw file.problem(number, "the user name is missing", remedy: "remove the line") }
            let hash: PasswordHash
            do throws(PasswordHashError) {
                hash = try PasswordHash(text[text.index(after: colon)...].trimmingBlanks)
            } catch {
                throw file.problem(number, error.problem, remedy: error.remedy)
            }
            guard users.updateValue(hash, forKey: name) == nil else {
                throw file.problem(number, "the user \(name) has an entry already", remedy: "remove one of the two")
            }
        }
    }

    init() {}

    /// The costliest hash, in iterations of PBKDF2.
    var costliest: Int { users.values.reduce(0) { max($0, $1.iterations) } }
}
