import Glibc
import NIOCore

/// A UDP socket of a simulated device on an address of the loopback network of its own choosing, used from one thread.
package final class UDPSocket {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let descriptor: CInt

    /// - Parameters:
    ///   - host: numeric address to send from; Linux answers for all of 127.0.0.0/8.
    ///   - port: 0 for one the system chooses.
    ///   - gateway: port of the gateway on 127.0.0.1.
    package init(host: String, port: Int = 0, gateway: Int) throws {
        descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "no socket: errno \(errno)") }
        let own = try SocketAddress(ipAddress: host, port: port)
        let remote = try SocketAddress(ipAddress: "127.0.0.1", port: gateway)
        guard own.withSockAddr({ bind(descriptor, $0, socklen_t($1)) }) == 0,
            remote.withSockAddr({ connect(descriptor, $0, socklen_t($1)) }) == 0
        else {
            let number = errno
            Glibc.close(descriptor)
            throw Failure(description: "cannot use \(host): errno \(number)")
        }
    }

    deinit { Glibc.close(descriptor) }

    package func send(_ octets: [UInt8]) throws {
        guard Glibc.send(descriptor, octets, octets.count, CInt(MSG_NOSIGNAL)) == octets.count else {
            throw Failure(description: "not sent: errno \(errno)")
        }
    }

    /// The next datagram; nil when none comes within so many seconds.
    package func receive(within seconds: Int = Int(Duration.patience.components.seconds)) throws -> [UInt8]? {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, CInt(seconds * 1_000)) > 0 else { return nil }
        var octets = [UInt8](repeating: 0, count: 65_536)
        let length = recv(descriptor, &octets, octets.count, CInt(MSG_DONTWAIT))
        guard length >= 0 else { throw Failure(description: "not received: errno \(errno)") }
        return Array(octets.prefix(length))
    }
}
