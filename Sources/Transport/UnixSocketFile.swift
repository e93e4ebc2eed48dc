import Glibc
import NIOCore

/// The file of a listening unix socket.
package struct UnixSocketFile: Sendable, Equatable {
    /// Absolute, up to 107 octets (unix(7)).
    package let path: String
    /// Permission bits, e.g. 0o660: who may write to the file may connect.
    package let mode: UInt32

    package init(path: String, mode: UInt32) {
        self.path = path
        self.mode = mode
    }

    /// Makes room for the socket: one that a process which is gone has left is removed, anything else is left alone.
    func prepare() throws(BindFailure) -> SocketAddress {
        guard let address = try? SocketAddress(unixDomainSocketPath: path) else {
            throw BindFailure(errorNumber: 0, sentence: "\(path) is too long for a socket, which has up to 107 octets")
        }
        var status = stat()
        guard lstat(path, &status) == 0 else { return address }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw BindFailure(errorNumber: 0, sentence: "\(path) is there already and is no socket")
        }
        guard !isServed(address) else {
            throw BindFailure(errorNumber: 0, sentence: "another process listens on \(path)")
        }
        unlink(path)
        return address
    }

    /// Sets the permissions. Until then they are narrower or those of the process's umask, and nobody is accepted.
    func protect() throws(IOError) {
        guard chmod(path, mode) == 0 else { throw IOError(errnoCode: errno, reason: "chmod") }
    }

    func remove() {
        unlink(path)
    }

    func failure(_ error: any Error) -> BindFailure {
        let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
        return BindFailure(errorNumber: 0, sentence: "\(path) cannot be opened: \(reason)")
    }

    private func isServed(_ address: SocketAddress) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return address.withSockAddr { connect(descriptor, $0, socklen_t($1)) == 0 }
    }
}
