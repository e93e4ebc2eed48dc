/// Number that ties the packets of one exchange together: 1...65,535, never 0 (MQTT-2.2.1-3, MQTT-2.2.1-4).
public struct PacketIdentifier: Hashable, Sendable, ExpressibleByIntegerLiteral {
    public let rawValue: UInt16

    /// Nil for 0.
    public init?(_ rawValue: UInt16) {
        guard rawValue != 0 else { return nil }
        self.rawValue = rawValue
    }

    public init(integerLiteral value: UInt16) {
        precondition(value != 0, "a packet identifier written in the source is never 0")
        rawValue = value
    }
}
