public import NIOCore

/// The flags and the identifier of a PUBLISH to write.
public struct PublishHeader: Equatable, Sendable {
    public var qos: QoS
    public var isRetained: Bool
    public var isDuplicate: Bool
    /// 1...65,535 at QoS 1 and 2; not written at QoS 0.
    public var packetIdentifier: UInt16

    public init(qos: QoS, isRetained: Bool = false, isDuplicate: Bool = false, packetIdentifier: UInt16 = 0) {
        precondition(qos == .atMostOnce || packetIdentifier != 0, "QoS 1 and 2 need a packet identifier (MQTT-2.2.1-3)")
        self.qos = qos
        self.isRetained = isRetained
        self.isDuplicate = isDuplicate && qos != .atMostOnce  // MQTT-3.3.1-2, MQTT-4.3.1-1
        self.packetIdentifier = packetIdentifier
    }

    init(_ publish: Publish) {
        self.init(
            qos: publish.qos, isRetained: publish.isRetained, isDuplicate: publish.isDuplicate,
            packetIdentifier: publish.packetIdentifier?.rawValue ?? 0)
    }

    var firstByte: UInt8 {
        PacketType.publish.rawValue << 4 | (isDuplicate ? 0b1000 : 0) | qos.rawValue << 1 | (isRetained ? 1 : 0)
    }
}

/// The properties of one PUBLISH to write, borrowed from wherever they live, so that a delivery needs no list of its own.
public struct DeliveryProperties: Sendable {
    /// Seconds that are left; nil for no expiry.
    public var messageExpiryInterval: UInt32?
    /// Identifier of the subscription that matched; nil for none.
    public var subscriptionIdentifier: UInt32?
    /// Identifiers of further subscriptions that matched.
    public var otherSubscriptionIdentifiers: [UInt32]
    /// Set for the topic, or standing for it when the topic is left empty; nil for none.
    public var topicAlias: UInt16?
    /// What the publisher sent along.
    public var message: Properties

    public init(
        messageExpiryInterval: UInt32? = nil, subscriptionIdentifier: UInt32? = nil,
        otherSubscriptionIdentifiers: [UInt32] = [], topicAlias: UInt16? = nil, message: Properties = []
    ) {
        self.topicAlias = topicAlias
        self.messageExpiryInterval = messageExpiryInterval
        self.subscriptionIdentifier = subscriptionIdentifier
        self.otherSubscriptionIdentifiers = otherSubscriptionIdentifiers
        self.message = message
    }

    /// Bytes of the list, without its length.
    fileprivate var encodedSize: Int {
        var size = message.encodedSize
        forEachOwn { size += $0.encodedSize }
        return size
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        forEachOwn { buffer.writeProperty($0) }
        for property in message.list { buffer.writeProperty(property) }
    }

    private func forEachOwn(_ body: (Property) -> Void) {
        if let messageExpiryInterval { body(.messageExpiryInterval(messageExpiryInterval)) }
        if let subscriptionIdentifier { body(.subscriptionIdentifier(subscriptionIdentifier)) }
        for identifier in otherSubscriptionIdentifiers { body(.subscriptionIdentifier(identifier)) }
        if let topicAlias { body(.topicAlias(topicAlias)) }
    }
}

extension PacketEncoder {
    /// Appends a PUBLISH made of parts. This is the way of every delivery: nothing is allocated but room in `buffer`.
    ///
    /// - `topic`: UTF-8 of a valid topic name, at most 65,535 bytes; empty when a topic alias stands for it.
    /// - `properties`: left out before 5.0.
    /// - `maximumPacketSize`: what the receiver takes at most, in bytes.
    /// - Returns: false when the packet would be larger (MQTT-3.1.2-24); nothing was written then.
    public static func encodePublish(
        _ header: PublishHeader, topic: RawSpan, properties: DeliveryProperties? = nil, payload: RawSpan,
        into buffer: inout ByteBuffer, version: ProtocolVersion, maximumPacketSize: Int = .max
    ) -> Bool {
        precondition(topic.byteCount <= UInt16.max, "a topic name has at most 65,535 bytes (MQTT-4.7.3-3)")
        let propertiesSize = version.hasProperties ? properties?.encodedSize ?? 0 : 0
        let size = PublishWriter.size(
            header, topic: topic.byteCount, properties: propertiesSize, payload: payload.byteCount, version: version)
        guard size <= min(maximumPacketSize, PublishWriter.largestPacket) else { return false }
        let start = buffer.writerIndex
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { room in
            var writer = PublishWriter(room, version)
            writer.writeHead(header, topic: topic, propertiesSize: propertiesSize, payloadSize: payload.byteCount)
            if propertiesSize == 0 { writer.write(payload) }
            return writer.position
        }
        if propertiesSize > 0 {
            properties?.write(into: &buffer)
            buffer.writeBytes(payload)
        }
        assert(buffer.writerIndex - start == size, "the length written is the length counted")
        return true
    }
}

/// PUBLISH packets written into one piece of room, past the buffer's own checks, which would be made for each field:
///
///     let size = PublishWriter.size(header, topic: 24, payload: 64, version: .v5) + …
///     PublishWriter.append(size, to: &buffer, version: .v5) { writer in
///         writer.write(header, topic: topic, payload: payload)
///         …
///     }
public struct PublishWriter {
    /// Bytes of the largest packet there is (MQTT 5.0, 2.1.4).
    public static let largestPacket = 5 + VariableByteInteger.maximum

    private var writer: FieldWriter
    private let hasProperties: Bool

    @inline(__always)
    fileprivate init(_ room: UnsafeMutableRawBufferPointer, _ version: ProtocolVersion) {
        writer = FieldWriter(room)
        hasProperties = version.hasProperties
    }

    /// Bytes written.
    fileprivate var position: Int { writer.position }

    /// Bytes of a packet.
    /// - Parameters:
    ///   - topic: bytes of the topic name, at most 65,535.
    ///   - properties: bytes of the properties, without their length; 0 before 5.0.
    ///   - payload: bytes of the payload.
    @inline(__always)
    public static func size(
        _ header: PublishHeader, topic: Int, properties: Int = 0, payload: Int, version: ProtocolVersion
    ) -> Int {
        let remainingLength = remainingLength(header, topic, properties, payload, version.hasProperties)
        return 1 + VariableByteInteger.size(of: remainingLength) + remainingLength
    }

    @inline(__always)
    private static func remainingLength(
        _ header: PublishHeader, _ topic: Int, _ properties: Int, _ payload: Int, _ hasProperties: Bool
    ) -> Int {
        let properties = hasProperties ? VariableByteInteger.size(of: properties) + properties : 0
        return 2 + topic + (header.qos == .atMostOnce ? 0 : 2) + properties + payload
    }

    /// Appends what `body` writes.
    /// - Parameter size: of all that, in bytes, not 0; no packet is larger than `largestPacket`.
    @inline(__always)
    public static func append(
        _ size: Int, to buffer: inout ByteBuffer, version: ProtocolVersion, _ body: (inout PublishWriter) -> Void
    ) {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { room in
            var writer = PublishWriter(room, version)
            body(&writer)
            assert(writer.position == size, "the length written is the length counted")
            return writer.position
        }
    }

    /// Writes a packet that says no more than topic and payload.
    @inline(__always)
    public mutating func write(_ header: PublishHeader, topic: RawSpan, payload: RawSpan) {
        writeHead(header, topic: topic, propertiesSize: 0, payloadSize: payload.byteCount)
        write(payload)
    }

    @inline(__always)
    fileprivate mutating func write(_ payload: RawSpan) { writer.write(payload) }

    /// Writes what comes before the properties themselves.
    @inline(__always)
    fileprivate mutating func writeHead(
        _ header: PublishHeader, topic: RawSpan, propertiesSize: Int, payloadSize: Int
    ) {
        writer.write(header.firstByte)
        writer.write(
            variable: Self.remainingLength(header, topic.byteCount, propertiesSize, payloadSize, hasProperties))
        writer.write(UInt16(topic.byteCount))
        writer.write(topic)
        if header.qos != .atMostOnce { writer.write(header.packetIdentifier) }
        if hasProperties { writer.write(variable: propertiesSize) }
    }
}
