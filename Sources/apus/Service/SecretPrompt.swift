// Dispatch sources may be used from any thread (dispatch_source_cancel(3)); the module does not say so in its types.
@preconcurrency import Dispatch
import Glibc

/// Asks the person at the terminal for something that must not be seen. Without terminal a line of standard input is the answer.
enum SecretPrompt {
    /// Somebody types; what is typed is worth asking for twice.
    static var isTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// - Returns: nil when the input ended before an answer.
    static func ask(_ question: String) -> [UInt8]? {
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return readLine() }
        let interrupt = restoring(settings)
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        // Only now: somebody, or something, that answers at once would be shown what it types.
        Console.note(question, endsLine: false)
        let answer = readLine()
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
        interrupt.cancel()
        signal(SIGINT, SIG_DFL)
        Console.note("")
        return answer
    }

    /// Ctrl-C ends the program, but not without switching the echo on again.
    private static func restoring(_ settings: termios) -> any DispatchSourceSignal {
        signal(SIGINT, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: DispatchQueue(label: "apus.prompt"))
        source.setEventHandler {
            var settings = settings
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
            Console.note("")
            _exit(128 + SIGINT)
        }
        source.resume()
        return source
    }

    private static func readLine() -> [UInt8]? {
        var line: [UInt8] = []
        var octet: UInt8 = 0
        while true {
            let count = read(STDIN_FILENO, &octet, 1)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return line.isEmpty ? nil : line }
            guard octet != UInt8(ascii: "\n") else { return line }
            line.append(octet)
        }
    }
}
