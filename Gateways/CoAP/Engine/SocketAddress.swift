import CLibCoAP
import Glibc

/// A socket address of IPv4 or IPv6, as the values the rest of the server works with.
struct SocketAddress: Equatable {
    let key: EndpointKey
    let isIPv4: Bool

    /// Reads what the system or libcoap filled in. Nil for another address family.
    init?(_ address: UnsafeRawPointer) {
        switch Int32(address.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET:
            let address = address.loadUnaligned(as: sockaddr_in.self)
            // ::ffff:a.b.c.d (RFC 4291, 2.5.5.2)
            let low = 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: address.sin_addr.s_addr))
            key = EndpointKey(high: 0, low: low, port: UInt16(bigEndian: address.sin_port), scope: 0)
            isIPv4 = true
        case AF_INET6:
            let address = address.loadUnaligned(as: sockaddr_in6.self)
            let (high, low) = withUnsafeBytes(of: address.sin6_addr) {
                (UInt64(bigEndian: $0.load(as: UInt64.self)), UInt64(bigEndian: $0.load(fromByteOffset: 8, as: UInt64.self)))
            }
            key = EndpointKey(
                high: high, low: low, port: UInt16(bigEndian: address.sin6_port), scope: address.sin6_scope_id)
            isIPv4 = false
        default:
            return nil
        }
    }

    /// Parses a numeric address. Nil for anything else, names included: nothing is ever looked up.
    init?(numeric: String, port: UInt16) {
        var v4 = sockaddr_in()
        v4.sin_family = sa_family_t(AF_INET)
        v4.sin_port = port.bigEndian
        if inet_pton(AF_INET, numeric, &v4.sin_addr) == 1 {
            guard let address = withUnsafeBytes(of: v4, { $0.baseAddress.flatMap(SocketAddress.init) }) else { return nil }
            self = address
            return
        }
        var v6 = sockaddr_in6()
        v6.sin6_family = sa_family_t(AF_INET6)
        v6.sin6_port = port.bigEndian
        guard inet_pton(AF_INET6, numeric, &v6.sin6_addr) == 1,
            let address = withUnsafeBytes(of: v6, { $0.baseAddress.flatMap(SocketAddress.init) })
        else { return nil }
        self = address
    }

    /// The system's form.
    func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        if isIPv4 {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = key.port.bigEndian
            address.sin_addr.s_addr = UInt32(truncatingIfNeeded: key.low).bigEndian
            return withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = key.port.bigEndian
        address.sin6_scope_id = key.scope
        withUnsafeMutableBytes(of: &address.sin6_addr) {
            $0.storeBytes(of: key.high.bigEndian, as: UInt64.self)
            $0.storeBytes(of: key.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }

    /// libcoap's form.
    var forLibrary: coap_address_t {
        var result = coap_address_t()
        coap_address_init(&result)
        withSocketAddress { address, size in
            result.size = size
            withUnsafeMutableBytes(of: &result.addr) { target in
                target.copyMemory(from: UnsafeRawBufferPointer(start: address, count: min(Int(size), target.count)))
            }
        }
        return result
    }

    /// 127.0.0.0/8, ::1, and IPv4 loopback in IPv6 form.
    var isLoopback: Bool {
        key.high == 0 && (key.low == 1 || key.low >> 24 == 0xFFFF_7F)
    }

    /// `127.0.0.1:5683`, `[::1]:5683`.
    var text: String { isIPv4 ? "\(numericText):\(key.port)" : "[\(numericText)]:\(key.port)" }

    private var numericText: String {
        withSocketAddress { address, size in
            var octets = [CChar](repeating: 0, count: 64)
            let result = getnameinfo(address, size, &octets, socklen_t(octets.count), nil, 0, NI_NUMERICHOST)
            guard result == 0 else { return "?" }
            return String(decoding: octets.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }
}
