/// How much longer than agreed a client may be silent (MQTT-SN 7.2): a tenth above one minute, else half.
/// The same rule holds for keep alive and for sleep.
struct SilenceTolerance: Hashable, Sendable {
    /// Share added to durations above 60 s, in percent.
    var longPercent = 10
    /// Share added to durations up to 60 s, in percent.
    var shortPercent = 50

    /// The draft of 2.0: half more, whatever the duration.
    static let draft = SilenceTolerance(longPercent: 50, shortPercent: 50)

    /// - Parameter seconds: the agreed duration; 0 means no supervision, as in MQTT.
    func allowedSilence(seconds: UInt16) -> Duration? {
        guard seconds > 0 else { return nil }
        let percent = seconds > 60 ? longPercent : shortPercent
        return .milliseconds(Int64(seconds) * Int64(1_000 + 10 * percent))
    }
}
