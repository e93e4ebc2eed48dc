/// The Flags octet (MQTT-SN 5.3.4).
///
/// ```
///   7     6   5     4        3      2              1   0
/// ┌─────┬─────────┬────────┬──────┬──────────────┬─────────────┐
/// │ DUP │ QoS     │ Retain │ Will │ CleanSession │ TopicIdType │
/// └─────┴─────────┴────────┴──────┴──────────────┴─────────────┘
/// ```
/// Bits a message does not use are sent as 0 and ignored on receipt.
struct Flags: RawRepresentable, Hashable, Sendable {
    var rawValue: UInt8

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    init(
        isDuplicate: Bool = false, qos: PublishQoS = .atMostOnce, retain: Bool = false, will: Bool = false,
        cleanSession: Bool = false, topicIDType: TopicIDType = .normal
    ) {
        rawValue =
            (isDuplicate ? 0x80 : 0) | qos.rawValue << 5 | (retain ? 0x10 : 0) | (will ? 0x08 : 0)
            | (cleanSession ? 0x04 : 0) | topicIDType.rawValue
    }

    var isDuplicate: Bool { rawValue & 0x80 != 0 }
    var retain: Bool { rawValue & 0x10 != 0 }
    var will: Bool { rawValue & 0x08 != 0 }
    var cleanSession: Bool { rawValue & 0x04 != 0 }

    var qos: PublishQoS {
        switch rawValue >> 5 & 0x03 {
        case 0: .atMostOnce
        case 1: .atLeastOnce
        case 2: .exactlyOnce
        default: .connectionless
        }
    }

    var topicIDType: TopicIDType {
        switch rawValue & 0x03 {
        case 0: .normal
        case 1: .predefined
        case 2: .short
        default: .reserved
        }
    }
}

/// The QoS bits of the Flags octet.
enum PublishQoS: UInt8, Hashable, Sendable {
    case atMostOnce = 0
    case atLeastOnce = 1
    case exactlyOnce = 2
    /// QoS -1: published without a connection, answered with nothing (MQTT-SN 6.8).
    case connectionless = 3
}

/// How the two octets of a TopicId field are to be read (MQTT-SN 5.3.11).
enum TopicIDType: UInt8, Hashable, Sendable {
    /// Allotted by the gateway to one client.
    case normal = 0
    /// Known to both sides before they speak.
    case predefined = 1
    /// The two octets are the topic name itself.
    case short = 2
    /// Not defined by the standard; answered with a refusal.
    case reserved = 3
}

/// A TopicId together with the number space it lives in: the same number under another type is another topic.
struct TopicID: Hashable, Sendable {
    var type: TopicIDType
    var value: UInt16

    static func normal(_ value: UInt16) -> Self { Self(type: .normal, value: value) }
    static func predefined(_ value: UInt16) -> Self { Self(type: .predefined, value: value) }
    static func short(_ value: UInt16) -> Self { Self(type: .short, value: value) }
}
