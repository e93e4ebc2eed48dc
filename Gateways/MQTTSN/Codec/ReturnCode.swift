/// The outcome a reply carries (MQTT-SN 5.3.10). Values above 03 are reserved and kept as they came.
struct ReturnCode: RawRepresentable, Hashable, Sendable {
    let rawValue: UInt8

    static let accepted = Self(rawValue: 0x00)
    static let congestion = Self(rawValue: 0x01)
    static let invalidTopicID = Self(rawValue: 0x02)
    static let notSupported = Self(rawValue: 0x03)
}
