import CLinux
import Glibc

/// An epoll set (epoll(7)): which sockets have something to read or room to write. Level-triggered.
struct Poller: ~Copyable {
    /// One socket's news; several in one `wait`.
    struct Event {
        var token: Int
        /// Something to read, the peer's end or an error: all of them show when reading.
        var isReadable: Bool
        var isWritable: Bool
    }

    private let descriptor: Int32
    private var ready: [epoll_event]

    /// - Parameter batch: events taken from the kernel at once.
    init(batch: Int = 512) throws(LoadError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw .system() }
        ready = [epoll_event](repeating: epoll_event(), count: batch)
    }

    deinit { close(descriptor) }

    /// - Parameter token: comes back with every event of the socket.
    func add(_ socket: Int32, token: Int, writable: Bool) throws(LoadError) {
        try control(EPOLL_CTL_ADD, socket, token, writable)
    }

    func change(_ socket: Int32, token: Int, writable: Bool) throws(LoadError) {
        try control(EPOLL_CTL_MOD, socket, token, writable)
    }

    /// Waits for events, at most `nanoseconds` (nil: without end).
    /// - Returns: how many have come.
    mutating func wait(nanoseconds: UInt64?) -> Int { max(0, Int(wait(nanoseconds))) }

    /// One of the events the last `wait` brought.
    func event(_ index: Int) -> Event {
        let event = ready[index]
        let reading = EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
        return Event(
            token: Int(event.data.u64), isReadable: event.events & reading != 0,
            isWritable: event.events & EPOLLOUT.rawValue != 0)
    }

    private mutating func wait(_ nanoseconds: UInt64?) -> Int32 {
        guard let nanoseconds else { return epoll_wait(descriptor, &ready, Int32(ready.count), -1) }
        var limit = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        return epoll_pwait2(descriptor, &ready, Int32(ready.count), &limit, nil)
    }

    private func control(_ operation: Int32, _ socket: Int32, _ token: Int, _ writable: Bool) throws(LoadError) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | (writable ? EPOLLOUT.rawValue : 0)
        event.data.u64 = UInt64(token)
        guard epoll_ctl(descriptor, operation, socket, &event) == 0 else { throw .system() }
    }
}

extension LoadError {
    /// The error the last system call left.
    static func system(_ number: Int32 = errno) -> LoadError {
        .cannotConnect(errorNumber: number, reason: String(cString: strerror(number)).lowercased())
    }
}
