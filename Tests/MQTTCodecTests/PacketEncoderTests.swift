import MQTTCodec
import NIOCore
import Testing

@Suite struct PacketEncoderTests {
    private static let topic: [UInt8] = Array("a/b".utf8)
    private static let payload: [UInt8] = Array("payload".utf8)

    @Test(arguments: ProtocolVersion.allCases, QoS.allCases)
    func aDeliveryIsWrittenAsThePacketItStandsFor(_ version: ProtocolVersion, _ qos: QoS) {
        let identifier: PacketIdentifier? = qos == .atMostOnce ? nil : 7
        let publish = Publish(
            topic: ByteBuffer(bytes: Self.topic), payload: ByteBuffer(bytes: Self.payload), qos: qos,
            packetIdentifier: identifier, isRetained: true, isDuplicate: qos != .atMostOnce)
        var expected = ByteBuffer()
        PacketEncoder.encode(.publish(publish), into: &expected, version: version)
        var written = ByteBuffer()
        let fits = PacketEncoder.encodePublish(
            PublishHeader(qos: qos, isRetained: true, isDuplicate: true, packetIdentifier: identifier?.rawValue ?? 0),
            topic: Self.topic.span.bytes, payload: Self.payload.span.bytes, into: &written, version: version)
        #expect(fits)
        #expect(written == expected)
    }

    /// Lengths on both sides of where the remaining length takes one more byte.
    @Test(arguments: ProtocolVersion.allCases, QoS.allCases)
    func deliveriesWrittenTogetherAreThoseWrittenOneByOne(_ version: ProtocolVersion, _ qos: QoS) {
        let payloads = [0, 1, 117, 118, 119, 120, 121, 122, 123, 16_370, 16_376, 16_380, 16_390].map {
            [UInt8](repeating: 0x78, count: $0)
        }
        let header = PublishHeader(qos: qos, isRetained: true, packetIdentifier: qos == .atMostOnce ? 0 : 7)
        var expected = ByteBuffer(string: "before")
        var written = expected
        var size = 0
        for payload in payloads {
            let before = expected.readableBytes
            _ = PacketEncoder.encodePublish(
                header, topic: Self.topic.span.bytes, payload: payload.span.bytes, into: &expected, version: version)
            let own = PublishWriter.size(header, topic: Self.topic.count, payload: payload.count, version: version)
            #expect(own == expected.readableBytes - before)
            size += own
        }
        PublishWriter.append(size, to: &written, version: version) { writer in
            for payload in payloads {
                writer.write(header, topic: Self.topic.span.bytes, payload: payload.span.bytes)
            }
        }
        #expect(written == expected)
    }

    @Test(arguments: [0, 60, 120, 200, 20_000])
    func thePropertiesOfADeliveryKeepTheirOrderAndLength(_ size: Int) throws {
        let text = String(repeating: "x", count: size)
        let message: Properties = [
            .payloadFormatIndicator(true), .contentType(text), .responseTopic("r"), .correlationData(ByteBuffer()),
            .userProperty(name: "a", value: text), .userProperty(name: "a", value: "2"),
        ]
        let properties = DeliveryProperties(
            messageExpiryInterval: 9, subscriptionIdentifier: 1, otherSubscriptionIdentifiers: [268_435_455],
            message: message)
        var written = ByteBuffer()
        let fits = PacketEncoder.encodePublish(
            PublishHeader(qos: .atMostOnce), topic: Self.topic.span.bytes, properties: properties,
            payload: Self.payload.span.bytes, into: &written, version: .v5)
        #expect(fits)
        var decoder = PacketDecoder(reading: .server, version: .v5)
        guard case .publish(let publish) = try decoder.decode(from: &written) else {
            Issue.record("no PUBLISH")
            return
        }
        let own: [Property] = [
            .messageExpiryInterval(9), .subscriptionIdentifier(1), .subscriptionIdentifier(268_435_455),
        ]
        #expect(publish.properties.list == own + message.list)
        #expect(written.readableBytes == 0)
    }

    /// MQTT-3.1.2-24
    @Test func aDeliveryLargerThanTheReceiverTakesIsNotWritten() {
        var buffer = ByteBuffer()
        let size = 2 + 2 + Self.topic.count + Self.payload.count
        for (maximum, fits) in [(size - 1, false), (size, true)] {
            let result = PacketEncoder.encodePublish(
                PublishHeader(qos: .atMostOnce), topic: Self.topic.span.bytes, payload: Self.payload.span.bytes,
                into: &buffer, version: .v311, maximumPacketSize: maximum)
            #expect(result == fits)
            #expect(buffer.readableBytes == (fits ? size : 0))
        }
    }

    @Test func a5ReasonBecomesTheNearestReturnCodeBefore5() {
        let codes: [(ReasonCode, UInt8)] = [
            (.success, 0), (.unsupportedProtocolVersion, 1), (.clientIdentifierNotValid, 2), (.serverBusy, 3),
            (.badUserNameOrPassword, 4), (.notAuthorized, 5), (.banned, 5), (.quotaExceeded, 3),
        ]
        for (reason, code) in codes {
            var buffer = ByteBuffer()
            PacketEncoder.encode(.connack(ConnAck(reasonCode: reason)), into: &buffer, version: .v311)
            #expect(Array(buffer.readableBytesView) == [0x20, 2, 0, code])
        }
    }

    /// MQTT-3.2.2-6
    @Test func aRefusedClientIsNeverToldOfASession() {
        var buffer = ByteBuffer()
        let refusal = ConnAck(isSessionPresent: true, reasonCode: .notAuthorized)
        PacketEncoder.encode(.connack(refusal), into: &buffer, version: .v311)
        #expect(Array(buffer.readableBytesView) == [0x20, 2, 0, 5])
    }

    @Test func everyFailureIs0x80InASubackBefore5() {
        var buffer = ByteBuffer()
        let subAck = SubAck(1, reasonCodes: [.grantedQoS2, .notAuthorized, .topicFilterInvalid])
        PacketEncoder.encode(.suback(subAck), into: &buffer, version: .v311)
        #expect(Array(buffer.readableBytesView) == [0x90, 5, 0, 1, 2, 0x80, 0x80])
    }

    /// The length is written before its value is known; nothing that follows or precedes is disturbed.
    @Test(arguments: [0, 1, 100, 127, 128, 129, 16_383, 16_384, 100_000])
    func packetsOfEveryLengthKeepTheirNeighbours(_ size: Int) throws {
        var buffer = ByteBuffer()
        let publish = Publish(topic: ByteBuffer(string: "t"), payload: ByteBuffer(repeating: 0x5A, count: size))
        for _ in 0..<2 {
            PacketEncoder.encode(.pingreq, into: &buffer, version: .v5)
            PacketEncoder.encode(.publish(publish), into: &buffer, version: .v5)
        }
        var decoder = PacketDecoder(reading: .client, version: .v5)
        for _ in 0..<2 {
            #expect(try decoder.decode(from: &buffer) == .pingreq)
            #expect(try decoder.decode(from: &buffer) == .publish(publish))
        }
        #expect(buffer.readableBytes == 0)
    }
}
