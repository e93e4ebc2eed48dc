import Glibc

/// Text for the person at the terminal. Each call is one `write` loop; nothing is buffered, so nothing is lost at exit.
enum Console {
    /// - Returns: false when standard output takes no more, e.g. because `head` has seen enough.
    @discardableResult
    static func output(_ bytes: some Sequence<UInt8>) -> Bool { write(Array(bytes), to: STDOUT_FILENO) }

    @discardableResult
    static func output(_ line: String) -> Bool { output("\(line)\n".utf8) }

    /// A complaint: one line on standard error that begins with the program's name.
    static func complain(_ sentence: String) { _ = write(Array("apus: \(sentence)\n".utf8), to: STDERR_FILENO) }

    /// Something to know that is no output of the command, on standard error.
    static func note(_ text: String, endsLine: Bool = true) {
        _ = write(Array((endsLine ? "\(text)\n" : text).utf8), to: STDERR_FILENO)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var rest = UnsafeRawBufferPointer(buffer)
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { return false }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
            }
            return true
        }
    }
}
