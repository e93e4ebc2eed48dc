/// What all connections of one listener have in common.
struct SessionPolicy: Hashable, Sendable {
    var retry = RetryPolicy()
    var tolerance = SilenceTolerance()
    /// Largest message sent to a client, in octets.
    var maximumPacketSize = 1472
    /// Longest client id, in octets of UTF-8; the standard ends at 23, real clients do not.
    var maximumClientIDLength = 64
    /// Longest sleep supervised, in seconds; a client that announces more is held to this.
    var maximumSleep = UInt16.max
    /// Messages sent in one waking; the rest waits for the next. Nil for no bound.
    var messagesPerWake: Int?
    /// Requests kept that arrive before the broker has decided about the client.
    var earlyPackets = 8

    /// The answer to a CONNECT that cannot become a session; nil when it can.
    func refusal(of connect: Packet.Connect) -> ReturnCode? {
        let octets = connect.clientID.utf8
        // MQTT-SN 5.4.4: a client id has 1 to 23 characters.
        guard !octets.isEmpty, octets.count <= maximumClientIDLength, !octets.contains(0) else { return .notSupported }
        return nil
    }
}
