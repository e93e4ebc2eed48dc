import Glibc
import NIOCore

/// An IP address and port without memory of its own, unlike `SocketAddress`: there is one for each of very many clients.
struct Endpoint: Hashable, Sendable {
    private let host: HostAddress
    /// Of a link-local IPv6 address.
    private let scope: UInt32
    private let port: UInt16
    private let isIPv6: Bool

    init(_ address: SocketAddress) {
        host = HostAddress(address)
        port = UInt16(clamping: address.port ?? 0)
        isIPv6 = address.protocol == .inet6
        guard isIPv6 else {
            scope = 0
            return
        }
        // Octets 24 to 27 of `sockaddr_in6`.
        scope = address.withSockAddr {
            UnsafeRawBufferPointer(start: $0, count: $1).loadUnaligned(fromByteOffset: 24, as: UInt32.self)
        }
    }

    func isSameHost(as other: Endpoint) -> Bool { host == other.host && isIPv6 == other.isIPv6 && scope == other.scope }

    /// Numeric, for records: `127.0.0.1:50123`, `[::1]:50123`.
    var text: String {
        let address = socketAddress
        let ip = address.ipAddress ?? ""
        return isIPv6 ? "[\(ip)]:\(port)" : "\(ip):\(port)"
    }

    var socketAddress: SocketAddress {
        withUnsafeTemporaryAllocation(byteCount: MemoryLayout<sockaddr_in6>.size, alignment: 8) { octets in
            octets.initializeMemory(as: UInt8.self, repeating: 0)
            octets.storeBytes(of: sa_family_t(isIPv6 ? AF_INET6 : AF_INET), as: sa_family_t.self)
            octets.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
            guard isIPv6 else {
                host.writeIPv4(to: octets, at: 4)
                return SocketAddress(octets.load(as: sockaddr_in.self), host: "")
            }
            host.writeIPv6(to: octets, at: 8)
            octets.storeBytes(of: scope, toByteOffset: 24, as: UInt32.self)
            return SocketAddress(octets.load(as: sockaddr_in6.self), host: "")
        }
    }
}
