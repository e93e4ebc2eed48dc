package import NIOCore

extension SocketAddress {
    /// Numeric address and port, for records: `127.0.0.1:50123`, `[::1]:50123`.
    package var numeric: String {
        guard let address = ipAddress, let port else { return description }
        return self.protocol == .inet6 ? "[\(address)]:\(port)" : "\(address):\(port)"
    }

    /// Whether the address is one of this machine's loopback addresses: 127.0.0.0/8, ::1, or the former mapped into IPv6.
    package var isLoopback: Bool {
        guard let address = ipAddress else { return false }
        return address.hasPrefix("127.") || address == "::1" || address.hasPrefix("::ffff:127.")
    }
}
