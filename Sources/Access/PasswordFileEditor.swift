import Glibc

/// Changes single entries of a password file and leaves the rest of its text as it is.
package struct PasswordFileEditor: Sendable {
    private let path: String
    private var lines: [String]

    /// - Throws: when there is a file and it cannot be read; `creates` says that there need not be one.
    package init(path: String, creates: Bool) throws(AccessFileError) {
        self.path = path
        lines = creates ? [] : try AccessFile(path: path).lines.map(String.init)
    }

    /// Whether `name` can stand in a password file.
    package static func isValid(userName name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 65_535 && name.first != "#" && name[...].trimmingBlanks == name[...]
            && !name.contains(where: { $0 == ":" || $0.isNewline || $0 == "\0" })
    }

    /// Gives a user a password, a new user an entry.
    /// - Returns: false when the user is new.
    @discardableResult
    package mutating func set(_ name: String, _ hash: PasswordHash) -> Bool {
        precondition(Self.isValid(userName: name), "the caller checks what people type")
        let entry = "\(name):\(hash.text)"
        guard let index = lines.firstIndex(where: { Self.userName(of: $0) == name }) else {
            lines.append(entry)
            return false
        }
        lines[index] = entry
        return true
    }

    /// - Returns: false when there is no such user.
    package mutating func remove(_ name: String) -> Bool {
        let count = lines.count
        lines.removeAll { Self.userName(of: $0) == name }
        return lines.count < count
    }

    /// Replaces passwords in clear text by their hashes, as a file written by hand has them: `user:password`.
    /// - Returns: how many there were.
    package mutating func hashClearText(iterations: Int) -> Int {
        var count = 0
        for index in lines.indices {
            guard let name = Self.userName(of: lines[index]), let colon = lines[index].firstIndex(of: ":") else { continue }
            let password = lines[index][lines[index].index(after: colon)...].trimmingBlanks
            guard !password.isEmpty, password.utf8.first != UInt8(ascii: "$") else { continue }
            lines[index] = "\(name):\(PasswordHash(Array(password.utf8), iterations: iterations).text)"
            count += 1
        }
        return count
    }

    /// The file's text.
    package var text: String { lines.map { "\($0)\n" }.joined() }

    /// Writes a new file beside the old one and puts it in its place, so that a gateway that reads meanwhile sees all of one or
    /// the other. A new file is for its owner alone; an existing one keeps its mode, and its owner where that is allowed.
    package func write() throws(AccessFileError) {
        var old = stat()
        let exists = stat(path, &old) == 0
        // A link stays a link.
        let path = exists ? resolved : path
        let temporary = "\(path).\(getpid()).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw problem("cannot be written") }
        var isDone = write(to: descriptor) && fsync(descriptor) == 0
        if exists {
            // Without the right to give it away the file belongs to who writes it, as with any editor.
            _ = fchown(descriptor, old.st_uid, old.st_gid)
            isDone = fchmod(descriptor, old.st_mode & 0o7777) == 0 && isDone
        }
        close(descriptor)
        guard isDone, rename(temporary, path) == 0 else {
            unlink(temporary)
            throw problem("cannot be written")
        }
    }

    private var resolved: String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private func write(to descriptor: Int32) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }

    private func problem(_ sentence: String) -> AccessFileError {
        AccessFileError(path: path, line: nil, problem: "the file \(sentence)", remedy: "check who may write in its folder")
    }

    private static func userName(of line: String) -> String? {
        let text = line[...].trimmingBlanks
        guard text.first != "#", let colon = text.firstIndex(of: ":") else { return nil }
        return String(text[..<colon].trimmingBlanks)
    }
}
