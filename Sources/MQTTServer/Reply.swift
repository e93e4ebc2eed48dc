import MQTTCodec

/// What the gateway says to a packet.
enum Reply: Equatable {
    /// PUBACK, PUBREC, PUBREL or PUBCOMP that says no more than its identifier, as nearly all do: no packet is made of it.
    case plain(PacketType, PacketIdentifier)
    /// Anything else. Rare and large, so that it stands elsewhere.
    indirect case packet(Packet)
}
