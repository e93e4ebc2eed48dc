import Foundation
import Glibc
import Synchronization

/// A child process and the ends of its pipes.
///
/// Made with `posix_spawn` rather than Foundation's `Process`, because no other child may inherit the pipes: tests start
/// programs at the same time, and a sibling that holds a pipe keeps it from ever ending. So starting is done by one at a
/// time, and the pipes are close-on-exec before the next one begins.
struct ChildProcess: Sendable {
    let identifier: pid_t
    let input: Int32
    let output: Int32
    let errors: Int32

    struct CannotStart: Error {
        let executable: String
        let errorNumber: Int32
    }

    /// A name without slash is looked up on the path.
    static func start(_ executable: String, _ arguments: [String], environment: [String: String]) throws -> ChildProcess {
        try starting.withLock { _ in try startAlone(executable, arguments, environment) }
    }

    private static let starting = Mutex(())

    private static func startAlone(
        _ executable: String, _ arguments: [String], _ environment: [String: String]
    ) throws -> ChildProcess {
        let input = try makePipe(), output = try makePipe(), errors = try makePipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.reading, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output.writing, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors.writing, STDERR_FILENO)
        // Sockets of other tests stay behind: one that a child holds goes on listening when its test has closed it.
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            guard let descriptor = Int32(name), descriptor > STDERR_FILENO else { continue }
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        defer { [input.reading, output.writing, errors.writing].forEach { close($0) } }

        // Threads of a test run block signals, and a child inherits that; ours are to hear SIGTERM.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        var identifier = pid_t()
        let result = withCStrings([executable] + arguments) { argv in
            withCStrings(environment.map { "\($0.key)=\($0.value)" }) { envp in
                posix_spawnp(&identifier, executable, &actions, &attributes, argv, envp)
            }
        }
        guard result == 0 else { throw CannotStart(executable: executable, errorNumber: result) }
        return ChildProcess(identifier: identifier, input: input.writing, output: output.reading, errors: errors.reading)
    }

    /// Reads `descriptor` to its end on a thread of its own; the last call has no bytes.
    static func read(_ descriptor: Int32, receive: @escaping @Sendable ([UInt8]) -> Void) {
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = Glibc.read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                receive(Array(buffer.prefix(max(0, count))))
                if count <= 0 { break }
            }
            close(descriptor)
        }
    }

    /// Waits for the child's end on a thread of its own: its exit status, or 128 + n when signal n ended it.
    func whenEnded(_ body: @escaping @Sendable (Int32) -> Void) {
        Thread.detachNewThread {
            var status: Int32 = 0
            while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
            let signal = status & 0x7F
            body(signal == 0 ? (status >> 8) & 0xFF : 128 + signal)
        }
    }

    private static func makePipe() throws -> (reading: Int32, writing: Int32) {
        var descriptors: [Int32] = [-1, -1]
        guard pipe(&descriptors) == 0 else { throw CannotStart(executable: "a pipe", errorNumber: errno) }
        for descriptor in descriptors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        return (descriptors[0], descriptors[1])
    }

    /// Calls `body` with the strings as C wants them: pointers, the last one nil.
    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() { pointers[index] = strdup(string) }
        pointers[strings.count] = nil
        defer {
            for index in strings.indices { free(pointers[index]) }
            pointers.deallocate()
        }
        return body(pointers)
    }
}
