/// What the decoder accepts from a peer, beyond what the standard says.
struct Limits: Hashable, Sendable {
    /// Largest message in octets, length field included; the length field itself ends at 65,535 (MQTT-SN 5.2.1).
    var maximumPacketSize = 1472
    /// Largest wireless node id a forwarder may put before a message, in octets.
    var maximumNodeIDLength = 64
    /// Whether octets behind the end of a message are ignored (some stacks pad) or make the datagram malformed.
    var toleratesTrailingOctets = false
}
