/// An entry of the gateway that reads what strangers send, with what must hold whatever they send.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// `PacketDecoder` and `PacketEncoder`, all versions, both directions.
    case codec
    /// HTTP upgrade and WebSocket frames.
    case websocket
    /// `ProxyHeader`, versions 1 and 2.
    case proxy

    /// - `input`: one octet that says how to read the rest, see the property of each target; then what the peer sends.
    /// - Throws: when something that must always hold does not.
    package func check(_ input: [UInt8]) throws(PropertyViolation) {
        guard let instruction = input.first else { return }
        let octets = Array(input.dropFirst())
        switch self {
        case .codec: try CodecProperty(instruction).check(octets)
        case .websocket: try WebSocketProperty(instruction).check(octets)
        case .proxy: try ProxyProperty.check(octets)
        }
    }
}

/// What should always hold and did not, as a sentence.
package struct PropertyViolation: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ sentence: @autoclosure () -> String) throws(PropertyViolation) {
    guard condition else { throw PropertyViolation(sentence()) }
}

/// Cuts `octets` into pieces of `size`, or leaves them whole when it is 0.
func pieces(of octets: [UInt8], size: Int) -> [ArraySlice<UInt8>] {
    guard size > 0 else { return [octets[...]] }
    return stride(from: 0, to: octets.count, by: size).map { octets[$0..<min($0 + size, octets.count)] }
}
