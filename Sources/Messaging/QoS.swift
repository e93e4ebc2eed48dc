/// Quality of service of a message or a subscription (MQTT 5.0, 4.3).
public enum QoS: UInt8, Sendable, Comparable, CaseIterable {
    /// Delivered once or not at all; no acknowledgement.
    case atMostOnce = 0
    /// Delivered once or more; acknowledged by the receiver.
    case atLeastOnce = 1
    /// Delivered exactly once; a two-step acknowledgement.
    case exactlyOnce = 2

    public static func < (left: QoS, right: QoS) -> Bool { left.rawValue < right.rawValue }
}
