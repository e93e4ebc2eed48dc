import Glibc
package import NIOCore

/// What a proxy in front of the gateway says about a connection, before its first octet: the PROXY protocol, versions 1 and 2
/// (haproxy.org, proxy-protocol.txt; sections cited below are its).
///
///     version 1:  "PROXY TCP4 203.0.113.7 192.0.2.1 50123 1883\r\n", up to 107 octets
///
///     version 2:  0                                  12      13       14        16
///                 ┌──────────────────────────────────┬───────┬────────┬─────────┬───────────┬──────┐
///                 │ 0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A │ 2│cmd │ fam│tr │ length  │ addresses │ TLVs │
///                 └──────────────────────────────────┴───────┴────────┴─────────┴───────────┴──────┘
package struct ProxyHeader: Sendable, Equatable {
    /// Where the client connects from; nil when the proxy speaks for itself or does not know (LOCAL, UNKNOWN, UNSPEC): then
    /// the connection's own address counts.
    package let source: SocketAddress?

    package enum DecodeError: Error, Sendable, Equatable {
        /// Not a PROXY header: a client that came directly, or another protocol.
        case signature
        /// A line of version 1 that does not follow section 2.1.
        case line
        case version(UInt8)
        case command(UInt8)
        case family(UInt8)
        /// Longer than accepted, or too short for its addresses.
        case length(Int)
    }

    /// Section 2.1: the longest line of version 1, CR LF included.
    static let longestLine = 107
    /// Longest rest of a header of version 2. Addresses need up to 216 octets (2.2), the rest is for TLVs, e.g. TLS details.
    static let longestBody = 2_048

    private static let addressOctets = Set("0123456789abcdefABCDEF.:".utf8)
    private static let lineStart = Array("PROXY".utf8)
    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

    /// Reads a header from the beginning of `buffer`.
    /// - Returns: nil when more octets are needed; nothing is taken from `buffer` then.
    package static func decode(from buffer: inout ByteBuffer) throws(DecodeError) -> ProxyHeader? {
        let octets = buffer.readableBytesView
        if octets.starts(with: signature.prefix(octets.count)) {
            return try decodeVersion2(&buffer)
        }
        guard octets.starts(with: lineStart.prefix(octets.count)) else { throw .signature }
        return try decodeVersion1(&buffer)
    }
}

// MARK: - Version 1

extension ProxyHeader {
    private static func decodeVersion1(_ buffer: inout ByteBuffer) throws(DecodeError) -> ProxyHeader? {
        let octets = buffer.readableBytesView.prefix(longestLine)
        guard let end = octets.firstIndex(of: 0x0A) else {
            guard octets.count < longestLine else { throw .line }
            return nil
        }
        let line = octets[..<end]
        guard line.last == 0x0D, let text = String(validating: line.dropLast(), as: UTF8.self) else { throw .line }
        let header = try parse(text)
        buffer.moveReaderIndex(forwardBy: line.count + 1)
        return header
    }

    /// `PROXY TCP4 source destination source-port destination-port`, separated by exactly one space; what follows UNKNOWN is
    /// to be ignored.
    private static func parse(_ line: String) throws(DecodeError) -> ProxyHeader {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count >= 2, words[0] == "PROXY" else { throw .line }
        if words[1] == "UNKNOWN" { return ProxyHeader(source: nil) }
        guard words.count == 6, let source = address(words[2], words[4]), let destination = address(words[3], words[5]),
            source.protocol == destination.protocol
        else { throw .line }
        switch (words[1], source.protocol) {
        case ("TCP4", .inet), ("TCP6", .inet6): return ProxyHeader(source: source)
        default: throw .line
        }
    }

    private static func address(_ text: Substring, _ port: Substring) -> SocketAddress? {
        // The system's parser of addresses stops at U+0000 and takes a zone (`%2`), which means nothing on another machine.
        guard text.utf8.allSatisfy(addressOctets.contains) else { return nil }
        // Digits without leading zeroes (2.1).
        guard port.allSatisfy({ $0.isASCII && $0.isNumber }), let number = UInt16(port), String(number) == port else {
            return nil
        }
        return try? SocketAddress(ipAddress: String(text), port: Int(number))
    }
}

// MARK: - Version 2

extension ProxyHeader {
    private static func decodeVersion2(_ buffer: inout ByteBuffer) throws(DecodeError) -> ProxyHeader? {
        var rest = buffer
        rest.moveReaderIndex(forwardBy: min(signature.count, rest.readableBytes))
        guard let (versionAndCommand, family, length) = rest.readMultipleIntegers(as: (UInt8, UInt8, UInt16).self)
        else {
            return nil
        }
        guard versionAndCommand >> 4 == 2 else { throw .version(versionAndCommand >> 4) }
        guard length <= longestBody else { throw .length(Int(length)) }
        guard var body = rest.readSlice(length: Int(length)) else { return nil }
        let header: ProxyHeader
        switch versionAndCommand & 0x0F {
        case 0: header = ProxyHeader(source: nil)  // LOCAL: the proxy itself, e.g. a health check
        case 1: header = ProxyHeader(source: try source(&body, family: family))
        default: throw .command(versionAndCommand & 0x0F)
        }
        buffer = rest
        return header
    }

    /// The first of the addresses; TLVs behind them are not looked at.
    private static func source(_ body: inout ByteBuffer, family: UInt8) throws(DecodeError) -> SocketAddress? {
        let length = body.readableBytes
        switch family {
        case 0x11: return try address(&body, octets: 4, length)
        case 0x21: return try address(&body, octets: 16, length)
        case 0x00, 0x31: return nil  // UNSPEC, and a unix socket at the proxy: nobody's network address
        default: throw .family(family)
        }
    }

    private static func address(_ body: inout ByteBuffer, octets: Int, _ length: Int) throws(DecodeError)
        -> SocketAddress
    {
        guard let source = body.readSlice(length: octets), body.readSlice(length: octets) != nil,
            let (port, _) = body.readMultipleIntegers(as: (UInt16, UInt16).self),
            let address = try? SocketAddress(packedIPAddress: source, port: Int(port))
        else { throw .length(length) }
        return address
    }
}
