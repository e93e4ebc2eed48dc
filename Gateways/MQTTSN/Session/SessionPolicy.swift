import Messaging
import Transport

/// What all connections of one kind of client have in common: one object, shared by them.
final class SessionPolicy: Sendable {
    let version: ProtocolVersion
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
    /// Longest a session outlives its connection; nil for ever.
    let sessionExpiry: Duration?
    /// Requests kept that arrive before the broker has decided about the client.
    let earlyPackets = 8
    let quirks: DeviceProfile.Quirks

    /// - Parameter reserved: octets of a datagram that the layer below needs.
    init(
        _ settings: MQTTSNSettings, _ profile: DeviceProfile, _ version: ProtocolVersion = .v12,
        reserving reserved: Int = 0
    ) {
        self.version = version
        quirks = profile.quirks
        switch version {
        case .v12:
            retry = RetryPolicy(interval: settings.retryInterval, repetitions: settings.retryCount)
            tolerance = SilenceTolerance(
                longPercent: settings.longTolerancePercent, shortPercent: settings.shortTolerancePercent)
        case .v20:
            retry = .draft(repetitions: settings.retryCount)
            tolerance = .draft
        }
        maximumPacketSize = min(
            max(settings.limits.maximumPacketSize - reserved, MQTTSNSettings.leastPacketSize),
            profile.quirks.maximumPacketSize)
        maximumClientIDLength = settings.maximumClientIDLength
        maximumSleep = settings.maximumSleep
        messagesPerWake = settings.messagesPerWake
        sessionExpiry = settings.sessionExpiry
    }

    /// One for each combination.
    static func all(_ settings: MQTTSNSettings) -> [Key: SessionPolicy] {
        var policies: [Key: SessionPolicy] = [:]
        for profile in DeviceProfile.allCases {
            for version in ProtocolVersion.allCases {
                policies[Key(profile: profile, version: version, isSecured: false)] = SessionPolicy(
                    settings, profile, version)
                policies[Key(profile: profile, version: version, isSecured: true)] = SessionPolicy(
                    settings, profile, version, reserving: DTLSLimits.overhead)
            }
        }
        return policies
    }

    /// What policies differ by.
    struct Key: Hashable {
        var profile: DeviceProfile
        var version: ProtocolVersion
        var isSecured: Bool
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
