import NIOCore

/// The IP address of a peer without its port, as a key that costs no allocation.
struct HostAddress: Hashable, Sendable {
    private let upper: UInt64
    private let lower: UInt64

    /// Octets 4 to 7 of `sockaddr_in`, 8 to 23 of `sockaddr_in6`; anything else is one and the same host.
    init(_ address: SocketAddress) {
        (upper, lower) = address.withSockAddr { pointer, size in
            let octets = UnsafeRawBufferPointer(start: pointer, count: size)
            switch address.protocol {
            case .inet: return (0, UInt64(octets.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
            case .inet6:
                return (
                    octets.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                    octets.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
                )
            default: return (.max, .max)
            }
        }
    }

    /// The four octets of an IPv4 address, in network order.
    func writeIPv4(to octets: UnsafeMutableRawBufferPointer, at offset: Int) {
        octets.storeBytes(of: UInt32(truncatingIfNeeded: lower), toByteOffset: offset, as: UInt32.self)
    }

    /// The sixteen octets of an IPv6 address, in network order.
    func writeIPv6(to octets: UnsafeMutableRawBufferPointer, at offset: Int) {
        octets.storeBytes(of: upper, toByteOffset: offset, as: UInt64.self)
        octets.storeBytes(of: lower, toByteOffset: offset + 8, as: UInt64.self)
    }

    /// Nil when `numeric` is not an IPv4 or IPv6 address.
    init?(numeric: String) {
        guard let address = try? SocketAddress(ipAddress: numeric, port: 0) else { return nil }
        self.init(address)
    }
}
