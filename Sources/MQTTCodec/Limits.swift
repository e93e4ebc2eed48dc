/// What a decoder accepts at most. Whatever a peer sends, one packet costs memory in proportion to `packetSize`.
public struct Limits: Sendable, Equatable {
    /// Bytes of a whole packet, fixed header included. The protocol's own bound is 268,435,460.
    public var packetSize = 1_048_576
    /// Topic filters in one SUBSCRIBE or UNSUBSCRIBE.
    public var filtersPerPacket = 4_096
    /// Properties in one packet, user properties included.
    public var propertiesPerPacket = 128

    public init() {}
}
