/// A CoAP message (RFC 7252 3) as a test writes and reads it: no checks beyond what decoding needs.
///
/// ```
///  0                   1                   2                   3
///  |Ver| T |  TKL  |      Code     |          Message ID           |
///  |   Token (TKL bytes) ...  |  Options ...  | 0xFF |  Payload ... |
/// ```
package struct CoAPDatagram: Equatable, Sendable {
    package enum Kind: UInt8, Sendable {
        case confirmable = 0, nonConfirmable, acknowledgement, reset
    }

    package struct Option: Equatable, Sendable {
        package var number: Int
        package var value: [UInt8]

        package init(_ number: Int, _ value: [UInt8]) {
            self.number = number
            self.value = value
        }

        package init(_ number: Int, _ text: String) { self.init(number, Array(text.utf8)) }

        /// An unsigned integer in as few bytes as it needs (RFC 7252 3.2).
        package init(_ number: Int, uint value: Int) {
            self.init(
                number,
                stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
                    .drop { $0 == 0 }.map(\.self))
        }
    }

    package enum Number {
        package static let observe = 6, locationPath = 8, uriPath = 11, contentFormat = 12, uriQuery = 15, accept = 17
    }

    package var kind: Kind
    /// Class in the upper three bits, detail in the lower five; see `code(_:_:)`.
    package var code: UInt8
    package var messageID: UInt16
    package var token: [UInt8]
    package var options: [Option]
    package var payload: [UInt8]

    package init(
        _ kind: Kind, code: UInt8, messageID: UInt16, token: [UInt8] = [], options: [Option] = [], payload: [UInt8] = []
    ) {
        self.kind = kind
        self.code = code
        self.messageID = messageID
        self.token = token
        self.options = options
        self.payload = payload
    }

    /// `code(2, 5)` is 2.05.
    package static func code(_ group: UInt8, _ detail: UInt8) -> UInt8 { group << 5 | detail }

    // MARK: Reading options

    package func strings(_ number: Int) -> [String] {
        options.filter { $0.number == number }.map { String(decoding: $0.value, as: UTF8.self) }
    }

    package func integer(_ number: Int) -> Int? {
        options.first { $0.number == number }?.value.reduce(0) { $0 << 8 | Int($1) }
    }

    package var path: String { strings(Number.uriPath).map { "/\($0)" }.joined() }

    /// `2.05`.
    package var codeText: String { "\(code >> 5).\(code & 31 < 10 ? "0" : "")\(code & 31)" }
}

// MARK: - Bytes

extension CoAPDatagram {
    package var bytes: [UInt8] {
        var bytes = [
            0x40 | kind.rawValue << 4 | UInt8(token.count), code, UInt8(messageID >> 8), UInt8(messageID & 0xFF),
        ]
        bytes += token
        var last = 0
        for option in options.sorted(by: { $0.number < $1.number }) {
            let (delta, deltaBytes) = Self.extended(option.number - last)
            let (length, lengthBytes) = Self.extended(option.value.count)
            bytes.append(delta << 4 | length)
            bytes += deltaBytes + lengthBytes + option.value
            last = option.number
        }
        return payload.isEmpty ? bytes : bytes + [0xFF] + payload
    }

    /// nil when the bytes are no CoAP message.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count >= 4, bytes[0] >> 6 == 1, let kind = Kind(rawValue: bytes[0] >> 4 & 3) else { return nil }
        let tokenEnd = 4 + Int(bytes[0] & 0x0F)
        guard tokenEnd <= min(12, bytes.count) else { return nil }
        self.init(
            kind, code: bytes[1], messageID: UInt16(bytes[2]) << 8 | UInt16(bytes[3]), token: Array(bytes[4..<tokenEnd])
        )
        var rest = bytes[tokenEnd...]
        var number = 0
        while let first = rest.popFirst() {
            if first == 0xFF {
                payload = Array(rest)
                return
            }
            guard let delta = Self.take(first >> 4, &rest), let length = Self.take(first & 15, &rest),
                rest.count >= length
            else { return nil }
            number += delta
            options.append(Option(number, Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
    }

    private static func extended(_ number: Int) -> (nibble: UInt8, bytes: [UInt8]) {
        if number < 13 { return (UInt8(number), []) }
        if number < 269 { return (13, [UInt8(number - 13)]) }
        return (14, [UInt8((number - 269) >> 8), UInt8((number - 269) & 0xFF)])
    }

    private static func take(_ nibble: UInt8, _ rest: inout ArraySlice<UInt8>) -> Int? {
        switch nibble {
        case 13:
            return rest.popFirst().map { Int($0) + 13 }
        case 14:
            guard let high = rest.popFirst(), let low = rest.popFirst() else { return nil }
            return Int(high) << 8 + Int(low) + 269
        case 15:
            return nil
        default:
            return Int(nibble)
        }
    }
}
