import NIOCore
import Transport

/// A header is waited for, read or refused at the same octet whatever comes behind it, and never waited for without bound.
enum ProxyProperty {
    /// Octets of the longest header of version 1 and 2 (README of Transport).
    private static let longest = (version1: 107, version2: 2_064)

    static func check(_ octets: [UInt8]) throws(PropertyViolation) {
        switch read(octets[...]) {
        case .success(nil):
            let bound = octets.first == 0x0D ? longest.version2 : longest.version1
            try require(octets.count < bound, "waits for more than the longest header")
        case .success((let header, let size)?):
            try require(read(octets[..<(size - 1)]).isWaiting, "read before it was complete")
            try require(read(octets[..<size]).header == header, "depends on what follows")
            if octets[0] != 0x0D { try checkLine(octets[..<size]) }
        case .failure(let error):
            try require(read(octets + [0]).error == error, "refused for another reason when more follows")
        }
    }

    /// Section 2.1: addresses are digits, dots and colons; a line that says UNKNOWN may say anything else.
    private static func checkLine(_ line: ArraySlice<UInt8>) throws(PropertyViolation) {
        guard line.starts(with: Array("PROXY TCP".utf8)) else { return }
        let allowed = Set("PROXYTC 0123456789abcdefABCDEF.:\r\n".utf8)
        try require(line.allSatisfy(allowed.contains), "accepted with octets no address has: \(line)")
    }

    private typealias Reading = Result<(header: ProxyHeader, size: Int)?, ProxyHeader.DecodeError>

    private static func read(_ octets: ArraySlice<UInt8>) -> Reading {
        var buffer = ByteBuffer(bytes: octets)
        return Result { () throws(ProxyHeader.DecodeError) in
            try ProxyHeader.decode(from: &buffer).map { ($0, octets.count - buffer.readableBytes) }
        }
    }
}

extension Result where Success == (header: ProxyHeader, size: Int)?, Failure == ProxyHeader.DecodeError {
    fileprivate var isWaiting: Bool {
        if case .success(nil) = self { true } else { false }
    }

    fileprivate var header: ProxyHeader? {
        if case .success(let found?) = self { found.header } else { nil }
    }

    fileprivate var error: ProxyHeader.DecodeError? {
        if case .failure(let error) = self { error } else { nil }
    }
}
