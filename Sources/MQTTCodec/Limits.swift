/// What a decoder accepts at most. Whatever a peer sends, one packet costs memory in proportion to `packetSize`.
package struct Limits: Sendable, Equatable {
    /// Bytes of a whole packet, fixed header included. The protocol's own bound is 268,435,460.
    package var packetSize = 1_048_576
    /// Topic filters in one SUBSCRIBE or UNSUBSCRIBE.
    package var filtersPerPacket = 4_096
    /// Properties in one packet, user properties included.
    package var propertiesPerPacket = 128

    package init() {}
}
