import NIOCore

/// CONNECT (MQTT 5.0, 3.1) and CONNACK (3.2).
///
///     CONNECT   | name (2+n) | level (1) | flags (1) | keep alive (2) | properties |
///               | client id (2+n) | will properties, topic (2+n), payload (2+n) | user name (2+n) | password (2+n) |
///     flags     | user name | password | will retain | will QoS (2) | will | clean start | 0 |
extension FieldReader {
    mutating func protocolVersion() throws(DecodeError) -> ProtocolVersion {
        let name = try string()
        guard name == "MQTT" || name == "MQIsdp" else { throw .unknownProtocolName }  // MQTT-3.1.2-1
        let level = try integer(UInt8.self)
        guard let version = ProtocolVersion(rawValue: level) else { throw .unsupportedProtocolVersion(level) }
        guard version.protocolName == name else { throw .unknownProtocolName }
        return version
    }

    mutating func connect(version: ProtocolVersion, limits: Limits) throws(DecodeError) -> Connect {
        let flags = ConnectFlags(rawValue: try integer())
        try flags.check(version)
        let keepAlive = try integer(UInt16.self)
        var properties: Properties = []
        if version.hasProperties {
            properties = try self.properties(in: .packet(.connect, from: .client), limits: limits)
            guard properties.authenticationData == nil || properties.authenticationMethod != nil else {
                throw .missingAuthenticationMethod  // MQTT 5.0, 3.1.2.11.10
            }
        }
        // MQTT-3.1.3-1, MQTT-3.1.3-3: the client identifier comes first, then the will (MQTT-3.1.2-9), user name and password.
        return Connect(
            version: version, clientIdentifier: try string(), cleanStart: flags.contains(.cleanStart),
            keepAlive: keepAlive, properties: properties,
            will: flags.contains(.will) ? try will(flags, version: version, limits: limits) : nil,
            userName: try isPresent(.userName, flags, version) ? string() : nil,
            password: try isPresent(.password, flags, version) ? Secret(binary()) : nil)
    }

    /// MQTT-3.1.2-16, MQTT-3.1.2-17, MQTT-3.1.2-18, MQTT-3.1.2-19; but in 3.1 what the flags announce may be missing at the end (MQTT 3.1, 3.1).
    private func isPresent(_ flag: ConnectFlags, _ flags: ConnectFlags, _ version: ProtocolVersion) -> Bool {
        flags.contains(flag) && !(version == .v31 && isAtEnd)
    }

    private mutating func will(
        _ flags: ConnectFlags, version: ProtocolVersion, limits: Limits
    ) throws(DecodeError) -> Connect.Will {
        let properties = version.hasProperties ? try self.properties(in: .will, limits: limits) : []
        let topic = try topicName()
        guard !topic.isEmpty else { throw .invalidTopicName }
        guard let qos = flags.willQoS else { throw .invalidQoS }
        return Connect.Will(
            topic: String(decoding: topic, as: UTF8.self), payload: try binary(), qos: qos,
            isRetained: flags.contains(.willRetain),
            properties: properties)
    }

    mutating func connAck(_ context: Context) throws(DecodeError) -> ConnAck {
        let flags = try integer(UInt8.self)
        // MQTT-3.2.2-1; 3.1 had no session present flag and left the byte unused.
        guard flags <= 1 || context.version == .v31 else { throw .invalidFlags(.connack) }
        guard context.version.hasProperties else {
            let byte = try integer(UInt8.self)
            guard let code = ReasonCode(connectReturnCode: byte) else { throw .invalidReasonCode(byte, .connack) }
            let isSessionPresent = context.version == .v311 && flags == 1
            guard !isSessionPresent || !code.isFailure else { throw .invalidFlags(.connack) }  // MQTT-3.2.2-4
            return ConnAck(isSessionPresent: isSessionPresent, reasonCode: code)
        }
        let code = try reasonCode(from: context.sender)
        guard flags == 0 || !code.isFailure else { throw .invalidFlags(.connack) }  // MQTT-3.2.2-6
        return ConnAck(
            isSessionPresent: flags == 1, reasonCode: code,
            properties: try properties(in: .packet(.connack, from: context.sender), limits: context.limits))
    }
}

struct ConnectFlags: OptionSet {
    let rawValue: UInt8

    static let reserved = Self(rawValue: 0b0000_0001)
    static let cleanStart = Self(rawValue: 0b0000_0010)
    static let will = Self(rawValue: 0b0000_0100)
    static let willQoSBits = Self(rawValue: 0b0001_1000)
    static let willRetain = Self(rawValue: 0b0010_0000)
    static let password = Self(rawValue: 0b0100_0000)
    static let userName = Self(rawValue: 0b1000_0000)

    var willQoS: QoS? { QoS(rawValue: intersection(.willQoSBits).rawValue >> 3) }

    func check(_ version: ProtocolVersion) throws(DecodeError) {
        guard !contains(.reserved) else { throw .invalidFlags(.connect) }  // MQTT-3.1.2-3
        guard willQoS != nil else { throw .invalidQoS }  // MQTT-3.1.2-12
        if !contains(.will), !isDisjoint(with: [.willQoSBits, .willRetain]) {
            throw .invalidFlags(.connect)  // MQTT-3.1.2-11, MQTT-3.1.2-13
        }
        // MQTT 3.1.1, MQTT-3.1.2-22; from 5.0 on a password may come alone.
        guard version == .v5 || contains(.userName) || !contains(.password) else { throw .invalidFlags(.connect) }
    }
}
