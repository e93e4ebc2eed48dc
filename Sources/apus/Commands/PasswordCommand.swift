import Access
import ArgumentParser

/// `apus passwd`: users and passwords in a file that Mosquitto reads, too. Letters are those of mosquitto_passwd.
struct PasswordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "passwd",
        abstract: "Set, change or delete passwords in a password file.",
        discussion: """
            The password is asked for without showing it, or read as one line of standard input when that is no terminal. A \
            running gateway reads the file again on SIGHUP. Exit status: 0 done, 64 wrong usage, 73 the file cannot be \
            written, 78 the file is not right.
            """)

    @Flag(name: .shortAndLong, help: "Create the file; one that exists is replaced.")
    var create = false

    @Flag(name: .shortAndLong, help: "Take the password from the command line, where other users of the machine can see it.")
    var batch = false

    @Flag(name: [.customShort("D"), .long], help: "Delete the user.")
    var delete = false

    @Flag(name: [.customShort("U"), .customLong("upgrade")], help: "Hash all passwords of the file that are in clear text.")
    var upgrade = false

    @Flag(
        name: [.customShort("S"), .long],
        help: "Keep SCRAM-SHA-256 keys, so that MQTT 5.0 clients log in without sending the password. Mosquitto does not read them.")
    var scram = false

    @Option(
        name: [.customShort("I"), .long],
        help: "Iterations of a new hash: 1 to 1000000, 1000 by default and 4096 with -S. More make guessing and logging in slower.")
    var iterations: Int?

    @Argument(help: "The password file.")
    var file: String

    @Argument(help: "The user.")
    var user: String?

    @Argument(help: "With -b, the password.")
    var password: String?

    func validate() throws {
        guard [create, delete, upgrade].filter({ $0 }).count <= 1, !(batch && (delete || upgrade)) else {
            throw ValidationError("-c, -D and -U exclude each other, and -b goes with neither -D nor -U.")
        }
        guard upgrade == (user == nil) else {
            throw ValidationError(upgrade ? "-U takes the file alone." : "Name the user after the file.")
        }
        guard batch == (password != nil) else {
            throw ValidationError(batch ? "-b takes the password after the user." : "A password on the command line needs -b.")
        }
        if let user, !PasswordFileEditor.isValid(userName: user) {
            throw ValidationError("A user name has no colon and no line end, and begins with neither # nor a space.")
        }
        guard !(scram && (delete || upgrade)) else { throw ValidationError("-S goes with neither -D nor -U.") }
        guard iterations.map(PasswordHash.iterationRange.contains) ?? true else {
            throw ValidationError("-I takes a number from 1 to \(PasswordHash.iterationRange.upperBound).")
        }
    }

    func run() throws {
        var editor = try reporting(ExitStatus.configuration) { () throws(AccessFileError) in
            try PasswordFileEditor(path: file, creates: create)
        }
        if upgrade {
            let count = editor.hashClearText(iterations: iterations ?? PasswordHash.defaultIterations)
            Console.note("\(count) passwords hashed")
        } else if let user, delete {
            guard editor.remove(user) else {
                Console.complain("there is no user \(user) in \(file)")
                throw ExitStatus.usage
            }
        } else if let user {
            editor.set(user, hash(try newPassword(of: user)))
        }
        try reporting(ExitStatus.cannotCreate) { () throws(AccessFileError) in try editor.write() }
    }

    private func hash(_ password: [UInt8]) -> PasswordHash {
        scram
            ? PasswordHash(scram: password, iterations: iterations ?? PasswordHash.scramIterations)
            : PasswordHash(password, iterations: iterations ?? PasswordHash.defaultIterations)
    }

    private func newPassword(of user: String) throws -> [UInt8] {
        if let password { return Array(password.utf8) }
        guard let first = SecretPrompt.ask("Password for \(user): "), !first.isEmpty else {
            Console.complain("no password was given")
            throw ExitStatus.usage
        }
        guard SecretPrompt.isTerminal, SecretPrompt.ask("The same again: ") != first else { return first }
        Console.complain("the two passwords are not the same")
        throw ExitStatus.usage
    }

    private func reporting<Result>(
        _ status: ExitCode, _ body: () throws(AccessFileError) -> Result
    ) throws -> Result {
        do {
            return try body()
        } catch {
            Console.complain("\(error)")
            throw status
        }
    }
}
