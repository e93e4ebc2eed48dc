import CLibCoAP
import Glibc
import Messaging

/// A UDP endpoint of libcoap, and what libcoap does not give out of itself: its socket and the port the system chose.
struct UDPEndpoint {
    let endpoint: OpaquePointer
    let descriptor: Int32
    let port: Int

    /// Asked for; the system grants as much as net.core.rmem_max allows. A burst of acknowledgements overruns the default.
    private static let receiveBufferOctets: Int32 = 4 * 1_048_576

    /// - Throws: `BindError` saying what the system said. Nothing stays open then.
    static func open(
        _ configuration: CoAPServer.Configuration, context: OpaquePointer
    ) throws(BindError) -> UDPEndpoint {
        guard let port = UInt16(exactly: configuration.port),
            let address = SocketAddress(numeric: configuration.address, port: port)
        else {
            throw error(configuration, 0, "\(configuration.address) is no numeric IPv4 or IPv6 address")
        }
        try probe(address, configuration)
        var libraryAddress = address.forLibrary
        guard let endpoint = coap_new_endpoint(context, &libraryAddress, COAP_PROTO_UDP) else {
            throw error(configuration, errno, message(errno))
        }
        coap_endpoint_set_default_mtu(endpoint, UInt32(configuration.limits.datagramOctets))
        guard let descriptor = datagramSocket(in: coap_context_get_coap_fd(context)), let local = localAddress(descriptor)
        else {
            coap_free_endpoint(endpoint)
            throw error(configuration, 0, "the socket libcoap opened cannot be found")
        }
        prepare(descriptor)
        return UDPEndpoint(endpoint: endpoint, descriptor: descriptor, port: Int(local.key.port))
    }

    /// libcoap sets SO_REUSEADDR, under which two processes can share a UDP port and one of them hears nothing. So the port
    /// is tried without it first; this is also where the reason of a failure can be learned.
    private static func probe(_ address: SocketAddress, _ configuration: CoAPServer.Configuration) throws(BindError) {
        let probe = socket(address.isIPv4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
        guard probe >= 0 else { throw error(configuration, errno, message(errno)) }
        defer { close(probe) }
        guard address.withSocketAddress({ bind(probe, $0, $1) }) == 0 else {
            throw error(configuration, errno, message(errno))
        }
    }

    /// Takes SO_REUSEADDR back, so nobody can bind the port over ours, and enlarges the receive buffer.
    private static func prepare(_ descriptor: Int32) {
        var off: Int32 = 0
        _ = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &off, socklen_t(MemoryLayout<Int32>.size))
        var size = receiveBufferOctets
        _ = setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }

    /// The datagram socket in an epoll set, as the kernel lists it: lines `tfd: {descriptor} events: …` (proc(5)).
    private static func datagramSocket(in epoll: Int32) -> Int32? {
        guard let file = fopen("/proc/self/fdinfo/\(epoll)", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            let words = text.split(separator: " ")
            guard words.first == "tfd:", words.count > 1, let descriptor = Int32(words[1]) else { continue }
            var kind: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            if getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &kind, &size) == 0, kind == Int32(SOCK_DGRAM.rawValue) {
                return descriptor
            }
        }
        return nil
    }

    private static func localAddress(_ descriptor: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            let result = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
            return result == 0 ? SocketAddress(UnsafeRawPointer(pointer)) : nil
        }
    }

    private static func message(_ number: Int32) -> String {
        switch number {
        case EADDRINUSE: "the port is in use by another program"
        case EADDRNOTAVAIL: "this machine has no such address"
        case EACCES: "ports below 1024 need special rights"
        default: String(cString: strerror(number))
        }
    }

    private static func error(
        _ configuration: CoAPServer.Configuration, _ number: Int32, _ reason: String
    ) -> BindError {
        BindError(
            listener: configuration.listener, address: configuration.address, port: configuration.port,
            errorNumber: number,
            description: "CoAP cannot listen on \(configuration.address) port \(configuration.port)/udp: \(reason). "
                + "Choose another \(configuration.listener).address or \(configuration.listener).port.")
    }
}
