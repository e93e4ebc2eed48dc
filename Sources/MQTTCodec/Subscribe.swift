/// A client asks for messages (MQTT 5.0, 3.8).
public struct Subscribe: Equatable, Sendable {
    public var packetIdentifier: PacketIdentifier
    public var properties: Properties
    /// At least one (MQTT-3.8.3-2).
    public var filters: [Filter]

    public init(_ packetIdentifier: PacketIdentifier, filters: [Filter], properties: Properties = []) {
        self.packetIdentifier = packetIdentifier
        self.filters = filters
        self.properties = properties
    }

    /// One topic filter and its options (MQTT 5.0, 3.8.3.1). Before 5.0 only the QoS is sent.
    public struct Filter: Equatable, Sendable {
        /// Not empty; whether wildcards stand where they may is for the subscription index to judge.
        public var filter: String
        public var qos: QoS
        public var noLocal: Bool
        public var retainAsPublished: Bool
        public var retainHandling: RetainHandling

        public init(
            _ filter: String, qos: QoS, noLocal: Bool = false, retainAsPublished: Bool = false,
            retainHandling: RetainHandling = .send
        ) {
            self.filter = filter
            self.qos = qos
            self.noLocal = noLocal
            self.retainAsPublished = retainAsPublished
            self.retainHandling = retainHandling
        }
    }

    /// When retained messages are sent for a subscription.
    public enum RetainHandling: UInt8, Sendable, CaseIterable {
        case send = 0
        case sendIfNew = 1
        case doNotSend = 2
    }
}

/// The server's answer to SUBSCRIBE (MQTT 5.0, 3.9).
public struct SubAck: Equatable, Sendable {
    public var packetIdentifier: PacketIdentifier
    public var properties: Properties
    /// One for each filter, in order (MQTT-3.8.4-6). Before 5.0 every failure is sent as 0x80.
    public var reasonCodes: [ReasonCode]

    public init(_ packetIdentifier: PacketIdentifier, reasonCodes: [ReasonCode], properties: Properties = []) {
        self.packetIdentifier = packetIdentifier
        self.reasonCodes = reasonCodes
        self.properties = properties
    }
}

/// A client no longer asks for messages (MQTT 5.0, 3.10).
public struct Unsubscribe: Equatable, Sendable {
    public var packetIdentifier: PacketIdentifier
    public var properties: Properties
    /// At least one (MQTT-3.10.3-2).
    public var filters: [String]

    public init(_ packetIdentifier: PacketIdentifier, filters: [String], properties: Properties = []) {
        self.packetIdentifier = packetIdentifier
        self.filters = filters
        self.properties = properties
    }
}

/// The server's answer to UNSUBSCRIBE (MQTT 5.0, 3.11).
public struct UnsubAck: Equatable, Sendable {
    public var packetIdentifier: PacketIdentifier
    public var properties: Properties
    /// One for each filter, in order; from 5.0 on only, empty before.
    public var reasonCodes: [ReasonCode]

    public init(_ packetIdentifier: PacketIdentifier, reasonCodes: [ReasonCode] = [], properties: Properties = []) {
        self.packetIdentifier = packetIdentifier
        self.reasonCodes = reasonCodes
        self.properties = properties
    }
}
