import Messaging

/// What all connections of one kind of client have in common: one object, shared by them.
final class SessionPolicy: Sendable {
    let retry: RetryPolicy
    let tolerance: SilenceTolerance
    /// Largest message sent to a client, in octets.
    let maximumPacketSize: Int
    /// Longest client id, in octets of UTF-8; the standard ends at 23, real clients do not.
    let maximumClientIDLength: Int
    /// Longest sleep supervised, in seconds; a client that announces more is held to this.
    let maximumSleep: UInt16
    /// Messages sent in one waking; the rest waits for the next. Nil for no bound.
    let messagesPerWake: Int?
    /// Requests kept that arrive before the broker has decided about the client.
    let earlyPackets = 8
    let quirks: DeviceProfile.Quirks

    init(_ settings: MQTTSNSettings, _ profile: DeviceProfile) {
        quirks = profile.quirks
        retry = RetryPolicy(interval: settings.retryInterval, repetitions: settings.retryCount)
        tolerance = SilenceTolerance(
            longPercent: settings.longTolerancePercent, shortPercent: settings.shortTolerancePercent)
        maximumPacketSize = min(settings.limits.maximumPacketSize, profile.quirks.maximumPacketSize)
        maximumClientIDLength = settings.maximumClientIDLength
        maximumSleep = settings.maximumSleep
        messagesPerWake = settings.messagesPerWake
    }

    /// The answer to a CONNECT that cannot become a session; nil when it can.
    func refusal(of connect: Packet.Connect) -> ReturnCode? {
        let octets = connect.clientID.utf8
        // MQTT-SN 5.4.4: a client id has 1 to 23 characters.
        guard !octets.isEmpty, octets.count <= maximumClientIDLength, !octets.contains(0),
            !ClientID(connect.clientID).isReserved
        else { return .notSupported }
        return nil
    }
}
