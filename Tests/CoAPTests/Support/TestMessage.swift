@testable import CoAP

/// A CoAP message as octets, written and read independently of libcoap.
struct TestMessage: Equatable {
    enum Kind: UInt8 {
        case con, non, ack, rst
    }

    struct Option: Equatable {
        let number: UInt16
        let value: [UInt8]

        init(_ number: UInt16, _ value: [UInt8] = []) {
            self.number = number
            self.value = value
        }

        init(_ number: UInt16, _ text: String) { self.init(number, Array(text.utf8)) }

        init(_ number: UInt16, uint: UInt32) {
            self.init(number, withUnsafeBytes(of: uint.bigEndian) { Array($0.drop { $0 == 0 }) })
        }
    }

    var kind: Kind
    var code: UInt8
    var messageID: UInt16
    var token: [UInt8] = []
    var options: [Option] = []
    var payload: [UInt8] = []

    init(
        _ kind: Kind, _ code: UInt8, id: UInt16, token: [UInt8] = [], options: [Option] = [], payload: [UInt8] = []
    ) {
        self.kind = kind
        self.code = code
        messageID = id
        self.token = token
        self.options = options
        self.payload = payload
    }

    /// A request with its path and queries.
    static func request(
        _ kind: Kind, _ method: CoAPMethod, _ path: String, id: UInt16, token: [UInt8] = [1], queries: [String] = [],
        options: [Option] = [], payload: [UInt8] = []
    ) -> TestMessage {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).map { Option(11, String($0)) }
        return TestMessage(
            kind, method.rawValue, id: id, token: token, options: segments + queries.map { Option(15, $0) } + options,
            payload: payload)
    }

    var codeText: String { CoAPCode(rawValue: code).description }
    var text: String { String(decoding: payload, as: UTF8.self) }

    func values(_ number: UInt16) -> [[UInt8]] { options.filter { $0.number == number }.map(\.value) }
    func uint(_ number: UInt16) -> UInt32? { values(number).first?.reduce(0) { $0 << 8 | UInt32($1) } }

    var octets: [UInt8] {
        var result: [UInt8] = [
            0x40 | kind.rawValue << 4 | UInt8(token.count), code, UInt8(messageID >> 8), UInt8(messageID & 0xFF),
        ]
        result += token
        var last: UInt16 = 0
        for (_, option) in options.enumerated().sorted(by: { ($0.1.number, $0.0) < ($1.1.number, $1.0) }) {
            let (delta, deltaMore) = Self.nibble(Int(option.number - last))
            let (length, lengthMore) = Self.nibble(option.value.count)
            result += [delta << 4 | length] + deltaMore + lengthMore + option.value
            last = option.number
        }
        if !payload.isEmpty { result += [0xFF] + payload }
        return result
    }

    init?(_ octets: [UInt8]) {
        guard octets.count >= 4, let kind = Kind(rawValue: octets[0] >> 4 & 3) else { return nil }
        self.init(kind, octets[1], id: UInt16(octets[2]) << 8 | UInt16(octets[3]))
        var rest = octets.dropFirst(4)
        token = Array(rest.prefix(Int(octets[0] & 15)))
        rest = rest.dropFirst(token.count)
        var number = 0
        while let first = rest.popFirst() {
            if first == 0xFF {
                payload = Array(rest)
                return
            }
            guard let delta = Self.extended(first >> 4, &rest), let length = Self.extended(first & 15, &rest) else { return nil }
            number += delta
            options.append(Option(UInt16(number), Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
    }

    private static func nibble(_ value: Int) -> (UInt8, [UInt8]) {
        if value < 13 { return (UInt8(value), []) }
        if value < 269 { return (13, [UInt8(value - 13)]) }
        return (14, [UInt8((value - 269) >> 8), UInt8((value - 269) & 0xFF)])
    }

    private static func extended(_ nibble: UInt8, _ rest: inout ArraySlice<UInt8>) -> Int? {
        switch nibble {
        case 13: return rest.popFirst().map { Int($0) + 13 }
        case 14:
            guard let high = rest.popFirst(), let low = rest.popFirst() else { return nil }
            return (Int(high) << 8 | Int(low)) + 269
        default: return Int(nibble)
        }
    }
}
