import Glibc
import NIOCore

/// A bound stream socket that connections may queue up at, made here and not by NIO because several event loops are to share it.
struct ListeningSocket: ~Copyable {
    /// Connections the system keeps until they are accepted; it may keep fewer (`net.core.somaxconn`).
    private static let backlog: Int32 = 4_096

    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// - Throws: the system's error.
    static func open(at address: SocketAddress) throws(IOError) -> ListeningSocket {
        let family =
            switch address {
            case .v4: AF_INET
            case .v6: AF_INET6
            case .unixDomainSocket: AF_UNIX
            }
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let listening = ListeningSocket(try check(socket(family, kind, 0), "socket"))
        if family != AF_UNIX { try listening.allowReuse() }
        try check(address.withSockAddr { bind(listening.descriptor, $0, socklen_t($1)) }, "bind")
        try listening.listen()
        return listening
    }

    /// Takes connections into the backlog from now on, or sets its size anew.
    /// - Throws: the system's error.
    func listen() throws(IOError) { try Self.check(Glibc.listen(descriptor, Self.backlog), "listen") }

    deinit { close(descriptor) }

    /// Another descriptor for the same socket, which the caller closes.
    /// - Throws: the system's error.
    func duplicate() throws(IOError) -> Int32 { try Self.check(fcntl(descriptor, F_DUPFD_CLOEXEC, 0), "dup") }

    /// The port of a gateway that has just ended may be taken again at once.
    private func allowReuse() throws(IOError) {
        var yes: Int32 = 1
        try Self.check(
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size)), "setsockopt")
    }

    @discardableResult
    private static func check(_ result: Int32, _ call: String) throws(IOError) -> Int32 {
        guard result >= 0 else { throw IOError(errnoCode: errno, reason: call) }
        return result
    }
}
