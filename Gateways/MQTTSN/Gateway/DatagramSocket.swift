import Glibc
import Messaging
import NIOCore

/// The sending half of a UDP socket, and its opening.
///
/// NIO reads from the socket; it does not write to it, for two reasons. Its datagram channel closes itself when the system
/// refuses one datagram (no route, a firewall rule, a forged sender with port 0), so one bad peer would silence the gateway.
/// And it cannot say which of the machine's addresses an answer leaves from.
struct DatagramSocket {
    enum SendResult: Equatable {
        case sent
        /// The system's buffer is full: try again a little later.
        case wouldBlock
        /// This datagram cannot be sent.
        case refused(errno: Int32)
    }

    let descriptor: CInt
    /// The bound port, chosen by the system where the settings say 0.
    let port: Int
    /// Bound to every address of the machine: answers name the one that was asked.
    let listensOnAllAddresses: Bool
    let protocolFamily: NIOBSDSocket.ProtocolFamily

    /// Opens and binds.
    static func open(address: String, port: Int, listener: String) throws(BindError) -> DatagramSocket {
        func failure(_ number: CInt, _ sentence: String) -> BindError {
            BindError(listener: listener, address: address, port: port, errorNumber: number, description: sentence)
        }
        guard let wanted = try? SocketAddress(ipAddress: address, port: port) else {
            throw failure(0, "\(address) is not a numeric IPv4 or IPv6 address.")
        }
        let descriptor = socket(wanted.protocol.rawValue, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure(errno, "No UDP socket: \(errorText(errno)).") }
        // ADVERTISE is a broadcast (MQTT-SN 6.1).
        var yes: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_BROADCAST, &yes, socklen_t(MemoryLayout<CInt>.size))
        let bound = wanted.withSockAddr { bind(descriptor, $0, socklen_t($1)) }
        guard bound == 0, let boundPort = boundPort(descriptor) else {
            let number = errno
            _ = Glibc.close(descriptor)
            throw failure(number, "Cannot listen on UDP \(address) port \(port): \(errorText(number)).")
        }
        let isWildcard = address == "0.0.0.0" || wanted.ipAddress == "::"
        return DatagramSocket(
            descriptor: descriptor, port: boundPort, listensOnAllAddresses: isWildcard,
            protocolFamily: wanted.protocol)
    }

    func close() { _ = Glibc.close(descriptor) }

    /// Becomes a member of a multicast group, so that what clients send to it arrives here (MQTT-SN 6.1), and sends what
    /// is meant for it by the same interface.
    func join(_ group: String, interface: String?, listener: String) throws(BindError) {
        func failure(_ number: CInt, _ sentence: String) -> BindError {
            BindError(listener: listener, address: group, port: port, errorNumber: number, description: sentence)
        }
        var index: CUnsignedInt = 0
        if let interface {
            index = if_nametoindex(interface)
            guard index != 0 else {
                throw failure(errno, "There is no interface \(interface): \(Self.errorText(errno)).")
            }
        }
        guard let address = try? SocketAddress(ipAddress: group, port: port), address.isMulticast,
            address.protocol == protocolFamily
        else { throw failure(0, "\(group) is not a multicast address of the listener's kind.") }
        guard address.protocol == .inet ? joinIPv4(address, index) : joinIPv6(address, index) else {
            throw failure(errno, "Cannot join the group \(group): \(Self.errorText(errno)).")
        }
    }

    private func joinIPv4(_ group: SocketAddress, _ index: CUnsignedInt) -> Bool {
        var request = ip_mreqn()
        request.imr_ifindex = CInt(index)
        withUnsafeMutableBytes(of: &request.imr_multiaddr) { $0.copyBytes(from: group.addressOctets) }
        let size = socklen_t(MemoryLayout<ip_mreqn>.size)
        guard setsockopt(descriptor, CInt(IPPROTO_IP), IP_ADD_MEMBERSHIP, &request, size) == 0 else { return false }
        return index == 0 || setsockopt(descriptor, CInt(IPPROTO_IP), IP_MULTICAST_IF, &request, size) == 0
    }

    private func joinIPv6(_ group: SocketAddress, _ index: CUnsignedInt) -> Bool {
        var request = ipv6_mreq()
        request.ipv6mr_interface = index
        withUnsafeMutableBytes(of: &request.ipv6mr_multiaddr) { $0.copyBytes(from: group.addressOctets) }
        guard
            setsockopt(
                descriptor, CInt(IPPROTO_IPV6), IPV6_JOIN_GROUP, &request, socklen_t(MemoryLayout<ipv6_mreq>.size)) == 0
        else { return false }
        var interface = CInt(index)
        return index == 0
            || setsockopt(
                descriptor, CInt(IPPROTO_IPV6), IPV6_MULTICAST_IF, &interface, socklen_t(MemoryLayout<CInt>.size)) == 0
    }

    /// - Parameter local: the address and interface the peer wrote to; nil leaves the choice to the system.
    func send(_ octets: UnsafeRawBufferPointer, to remote: SocketAddress, from local: NIOPacketInfo?) -> SendResult {
        let result = sendOnce(octets, to: remote, control: local.map { SourceAddressControl($0).octets } ?? [])
        guard local != nil, result == .refused(errno: EINVAL) else { return result }
        // What the peer wrote to was a broadcast or group address, from which nothing can be sent.
        return sendOnce(octets, to: remote, control: [])
    }

    private func sendOnce(
        _ octets: UnsafeRawBufferPointer, to remote: SocketAddress, control: [UInt8]
    ) -> SendResult {
        var control = control
        let sent = remote.withSockAddr { address, size in
            control.withUnsafeMutableBytes { control in
                var vector = iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: octets.baseAddress), iov_len: octets.count)
                return withUnsafeMutablePointer(to: &vector) { vector in
                    var header = msghdr()
                    header.msg_name = UnsafeMutableRawPointer(mutating: address)
                    header.msg_namelen = socklen_t(size)
                    header.msg_iov = vector
                    header.msg_iovlen = 1
                    header.msg_control = control.baseAddress
                    header.msg_controllen = control.count
                    return sendmsg(descriptor, &header, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
                }
            }
        }
        if sent >= 0 { return .sent }
        switch errno {
        case EAGAIN, ENOBUFS, EINTR: return .wouldBlock
        // A port that nobody listens on any more, told for an earlier datagram: this one is worth its own attempt.
        case ECONNREFUSED: return .refused(errno: ECONNREFUSED)
        default: return .refused(errno: errno)
        }
    }

    /// Port in the octets 2 and 3 of every Internet socket address; nil when the system does not tell.
    private static func boundPort(_ descriptor: CInt) -> Int? {
        var address = [UInt8](repeating: 0, count: 28)
        var size = socklen_t(address.count)
        let result = address.withUnsafeMutableBytes { octets in
            octets.withMemoryRebound(to: sockaddr.self) { getsockname(descriptor, $0.baseAddress, &size) }
        }
        return result == 0 ? Int(address[2]) << 8 | Int(address[3]) : nil
    }

    private static func errorText(_ number: CInt) -> String {
        String(cString: strerror(number))
    }
}

/// The control message that sets the source address of one datagram (ip(7), ipv6(7)).
///
/// ```
/// ┌──────────────┬───────────┬──────────┬──────────────────────────────────────────────┐
/// │ length 8     │ level 4   │ type 4   │ in_pktinfo: interface 4, source 4, unused 4  │ + 4 padding
/// │              │           │          │ in6_pktinfo: source 16, interface 4          │ + 4 padding
/// └──────────────┴───────────┴──────────┴──────────────────────────────────────────────┘
/// ```
/// Sizes of 64-bit Linux, where the header has 16 octets and messages are padded to 8.
private struct SourceAddressControl {
    let octets: [UInt8]

    init(_ info: NIOPacketInfo) {
        let source = info.destinationAddress.addressOctets
        let level: CInt
        let type: CInt
        var body: [UInt8]
        switch source.count {
        case 4:
            level = CInt(IPPROTO_IP)
            type = CInt(IP_PKTINFO)
            body = Self.octets(UInt32(0)) + source + Self.octets(UInt32(0))  // The route chooses the interface.
        case 16:
            level = CInt(IPPROTO_IPV6)
            type = CInt(IPV6_PKTINFO)
            // A link-local address has a meaning on its interface only.
            let isLinkLocal = source[0] == 0xFE && source[1] & 0xC0 == 0x80
            body = source + Self.octets(isLinkLocal ? UInt32(truncatingIfNeeded: info.interfaceIndex) : 0)
        default:
            octets = []
            return
        }
        let length = 16 + body.count
        body += [UInt8](repeating: 0, count: -length & 7)
        octets = Self.octets(UInt64(length)) + Self.octets(level) + Self.octets(type) + body
    }

    private static func octets<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        withUnsafeBytes(of: value) { Array($0) }
    }
}

extension SocketAddress {
    /// The IP address: octets 4 to 7 of `sockaddr_in`, 8 to 23 of `sockaddr_in6`; empty for anything else.
    fileprivate var addressOctets: [UInt8] {
        withSockAddr { address, size in
            let octets = UnsafeRawBufferPointer(start: address, count: size)
            return switch self.protocol {
            case .inet: Array(octets[4..<8])
            case .inet6: Array(octets[8..<24])
            default: []
            }
        }
    }
}
