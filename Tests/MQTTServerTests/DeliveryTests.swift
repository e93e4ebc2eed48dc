import MQTTCodec
import Messaging
import NIOCore
import NIOEmbedded
import TestKit
import Testing

@testable import MQTTServer

/// From the broker to clients.
@Suite struct DeliveryTests {
    private static let payload = Array("x".utf8)

    @Test(arguments: ProtocolVersion.allCases)
    func aMessageTravelsAtEachQoS(_ version: ProtocolVersion) throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(version)
        try client.subscribe("#", .exactlyOnce)
        try conversation.broker.publish("q/0", Self.payload, qos: .atMostOnce)
        try conversation.broker.publish("q/1", Self.payload, qos: .atLeastOnce)
        try conversation.broker.publish("q/2", Self.payload, qos: .exactlyOnce)
        let writes = client.writes
        #expect(
            try client.receive() == [
                .publish("q/0", "x"), .publish("q/1", "x", .atLeastOnce, id: 1),
                .publish("q/2", "x", .exactlyOnce, id: 2),
            ])
        #expect(client.writes == writes + 1, "all in one write")
        try client.send(.puback(Acknowledgement(1)), .pubrec(Acknowledgement(2)))
        #expect(try client.receive() == [.pubrel(Acknowledgement(2))])
        try client.send(.pubcomp(Acknowledgement(2)))
        #expect(try client.receive() == [])
        #expect(conversation.broker.settlements == [.acknowledged, .received, .completed])
        #expect(conversation.broker.session("client")?.backlog == 0)
    }

    /// Large messages are sent on while the processor's cache holds them still.
    @Test(arguments: [(1, 3, false), (1, 4, true), (16, 4, true), (17, 4, false), (17, 5, true)])
    func fewReceiversAreServedWithinATurnInWhichMuchComesIn(receivers: Int, reads: Int, areServed: Bool) throws {
        let conversation = Conversation()
        let receivers = try (0..<receivers).map { try conversation.connectedClient(id: "receiver \($0)") }
        for receiver in receivers { try receiver.subscribe("#", .atMostOnce) }
        let publisher = try conversation.connectedClient(id: "publisher")
        var bytes = ByteBuffer()
        PacketEncoder.encode(.publish("t", String(repeating: "x", count: 65_528)), into: &bytes, version: .v5)
        #expect(bytes.readableBytes == 65_536)
        try conversation.keepBusy(publisher)
        for _ in 0..<reads { try publisher.channel.writeInbound(bytes) }  // in one turn
        for receiver in receivers {
            #expect(try (receiver.channel.readOutbound(as: ByteBuffer.self) != nil) == areServed)
        }
    }

    @Test func aReleaseIsRepeatedAfterAReconnect() throws {
        let conversation = Conversation()
        let first = try conversation.connectedClient(.v311, cleanStart: false)
        try first.subscribe("a", .exactlyOnce)
        try conversation.broker.publish("a", Self.payload, qos: .exactlyOnce)
        try conversation.broker.publish("a", Self.payload, qos: .exactlyOnce)
        _ = try first.receive()
        try first.send(.pubrec(Acknowledgement(1)))
        first.cut()
        let second = try conversation.client(.v311)
        try second.send(.connect(Connect(version: .v311, clientIdentifier: "client", cleanStart: false)))
        #expect(
            try second.receive().dropFirst() == [
                .pubrel(Acknowledgement(1)), .publish("a", "x", .exactlyOnce, id: 2, isDuplicate: true),
            ])
    }

    @Test func aRetainedMessageFollowsTheAnswerToItsSubscription() throws {
        let conversation = Conversation()
        try conversation.broker.publish("a", Self.payload, retain: true)
        let client = try conversation.connectedClient()
        try client.send(.subscribe(1, ("a", .atMostOnce)))
        #expect(
            try client.receive() == [
                .suback(SubAck(1, reasonCodes: [.grantedQoS0])), .publish("a", "x", isRetained: true),
            ])
    }

    @Test func eachFilterIsAnsweredInItsPlace() throws {
        for version in [ProtocolVersion.v311, .v5] {
            let conversation = Conversation()
            conversation.broker.forbid("secret")
            let client = try conversation.connectedClient(version)
            try client.send(
                .subscribe(7, ("a", .atLeastOnce), ("bad#", .atMostOnce), ("secret", .atMostOnce), ("b", .exactlyOnce)))
            let codes: [ReasonCode] =
                version == .v5
                ? [.grantedQoS1, .topicFilterInvalid, .notAuthorized, .grantedQoS2]
                : [.grantedQoS1, .unspecifiedError, .unspecifiedError, .grantedQoS2]
            let why = Properties.reason(
                version == .v5 ? "wildcards stand alone in their level, # in the last one" : nil)
            #expect(try client.receive() == [.suback(SubAck(7, reasonCodes: codes, properties: why))])
            #expect(conversation.broker.session("client")?.filters == ["a", "b"])
        }
    }

    @Test(arguments: [ProtocolVersion.v311, .v5])
    func eachUnsubscribedFilterIsAnsweredInItsPlace(_ version: ProtocolVersion) throws {
        let conversation = Conversation()
        conversation.broker.forbid("kept")
        let client = try conversation.connectedClient(version)
        try client.subscribe("a", .atMostOnce)
        try client.send(.unsubscribe(Unsubscribe(2, filters: ["a", "never", "kept", "#/"])))
        let codes: [ReasonCode] = [.success, .noSubscriptionExisted, .notAuthorized, .topicFilterInvalid]
        let why = Properties.reason("wildcards stand alone in their level, # in the last one")
        let answer = version == .v5 ? UnsubAck(2, reasonCodes: codes, properties: why) : UnsubAck(2)
        #expect(try client.receive() == [.unsuback(answer)])
        #expect(conversation.broker.session("client")?.filters == [])
    }

    @Test func subscriptionOptionsReachTheBroker() throws {
        let filter = Subscribe.Filter(
            "a", qos: .atLeastOnce, noLocal: true, retainAsPublished: true, retainHandling: .sendIfNew)
        let conversation = Conversation()
        let client = try conversation.connectedClient()
        try client.send(.subscribe(Subscribe(1, filters: [filter], properties: [.subscriptionIdentifier(9)])))
        let subscription = try #require(conversation.broker.session("client")?.subscriptions.first)
        let expected = Subscription(
            filter: try TopicFilter("a"), qos: .atLeastOnce, noLocal: true, retainAsPublished: true,
            retainHandling: .sendIfNew, identifier: 9)
        #expect(subscription == expected)
    }

    @Test func aDeliveryNamesItsSubscriptionAndTheSecondsItHasLeft() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(id: "receiver")
        try client.subscribe("a", .atMostOnce, properties: [.subscriptionIdentifier(300)])
        let publisher = try conversation.connectedClient(id: "publisher")
        let properties: Properties = [.messageExpiryInterval(10), .userProperty(name: "k", value: "v")]
        client.channel.isWritable = false
        client.channel.pipeline.fireChannelWritabilityChanged()
        try publisher.send(.publish("a", "x", properties: properties))
        conversation.broker.advance(by: .milliseconds(3_500))
        client.channel.isWritable = true
        client.channel.pipeline.fireChannelWritabilityChanged()
        let expected: Properties = [
            .messageExpiryInterval(7), .subscriptionIdentifier(300), .userProperty(name: "k", value: "v"),
        ]
        #expect(try client.receive() == [.publish("a", "x", properties: expected)])
    }

    /// MQTT-3.1.2-24, MQTT-3.1.2-25
    @Test func aMessageTooLargeForTheClientIsDroppedAndAccountedFor() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(properties: [.maximumPacketSize(100)])
        try client.subscribe("a", .atLeastOnce)
        try conversation.broker.publish("a", [UInt8](repeating: 0, count: 100), qos: .atLeastOnce)
        try conversation.broker.publish("a", Self.payload, qos: .atLeastOnce)
        #expect(try client.receive() == [.publish("a", "x", .atLeastOnce, id: 2)])
        #expect(conversation.broker.discarded.map(\.reason) == [.tooLargeForReceiver])
        #expect(conversation.server.counters.deliveriesTooLarge.current == 1)
    }

    /// Deliveries that say no more than topic and payload are written together: as far as they go, and on behind what is different.
    @Test func whatIsDifferentHasItsPlaceAmongTheOthers() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(properties: [.maximumPacketSize(100)])
        try client.subscribe("#", .atLeastOnce)
        client.channel.isWritable = false
        client.channel.pipeline.fireChannelWritabilityChanged()
        for topic in ["a", "b"] { try conversation.broker.publish(topic, Self.payload, qos: .atLeastOnce) }
        try conversation.broker.publish("large", [UInt8](repeating: 0, count: 100), qos: .atLeastOnce)
        try conversation.broker.publish("c", Self.payload, qos: .atMostOnce)
        var outcomes: [PublishOutcome] = []
        let more = Message(
            topic: try TopicName("more"), payload: Self.payload, qos: .atMostOnce, publishedAt: .never,
            properties: MessageProperties(contentType: "text/plain"))
        conversation.broker.publish([more], as: .gateway, via: "test", outcomes: &outcomes)
        try conversation.broker.publish("d", Self.payload, qos: .atLeastOnce)
        client.channel.isWritable = true
        client.channel.pipeline.fireChannelWritabilityChanged()
        #expect(
            try client.receive() == [
                .publish("a", "x", .atLeastOnce, id: 1), .publish("b", "x", .atLeastOnce, id: 2), .publish("c", "x"),
                .publish("more", "x", properties: [.contentType("text/plain")]),
                .publish("d", "x", .atLeastOnce, id: 4),
            ])
        #expect(conversation.broker.discarded.map(\.delivery.packetID) == [3])
    }

    @Test func aClientThatDoesNotReadIsNotWrittenTo() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient()
        try client.subscribe("a", .atMostOnce)
        client.channel.isWritable = false
        client.channel.pipeline.fireChannelWritabilityChanged()
        for _ in 0..<100 { try conversation.broker.publish("a", Self.payload) }
        #expect(try client.receive() == [])
        #expect(conversation.broker.session("client")?.backlog == 100)
        client.channel.isWritable = true
        client.channel.pipeline.fireChannelWritabilityChanged()
        #expect(try client.receive().count == 100)
    }

    @Test func manyMessagesArriveInOrder() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(.v311)
        try client.subscribe("a", .atMostOnce)
        let expected = (0..<20_000).map { "\($0)" }
        for text in expected { try conversation.broker.publish("a", Array(text.utf8)) }
        let texts = try client.receive().compactMap { packet -> String? in
            guard case .publish(let publish) = packet else { return nil }
            return String(buffer: publish.payload)
        }
        #expect(texts == expected)
    }

    /// The encoded packet is shared among receivers of one version; retain flag and version tell them apart.
    @Test func manyReceiversOfBothVersionsGetTheSameMessages() throws {
        let conversation = Conversation()
        let clients = try (0..<20).map { index in
            try conversation.connectedClient(index.isMultiple(of: 2) ? .v311 : .v5, id: "c\(index)")
        }
        for client in clients { try client.subscribe("a", .atMostOnce) }
        for text in ["1", "2", "3"] { try conversation.broker.publish("a", Array(text.utf8)) }
        for client in clients {
            #expect(try client.receive() == [.publish("a", "1"), .publish("a", "2"), .publish("a", "3")])
        }
    }

    /// MQTT-3.3.1-3
    @Test func thePublishersDuplicateFlagIsNotPassedOn() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(.v311, id: "receiver")
        try client.subscribe("a", .atLeastOnce)
        let publisher = try conversation.connectedClient(.v311, id: "publisher")
        try publisher.send(.publish("a", "x", .atLeastOnce, id: 1, isDuplicate: true))
        #expect(try client.receive() == [.publish("a", "x", .atLeastOnce, id: 1)])
    }

    /// MQTT-3.3.2-4, MQTT-3.3.2-15 to MQTT-3.3.2-18, MQTT-3.3.2-20
    @Test func whatAPublisherAddsArrivesUnaltered() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(id: "receiver")
        try client.subscribe("a", .atMostOnce)
        let publisher = try conversation.connectedClient(id: "publisher")
        let properties: Properties = [
            .payloadFormatIndicator(true), .contentType("text/plain"), .responseTopic("re/ply"),
            .correlationData(ByteBuffer(bytes: [0, 255])), .userProperty(name: "b", value: "1"),
            .userProperty(name: "a", value: "2"), .userProperty(name: "b", value: "3"),
        ]
        // An indicator of 0 says no more than none, and is passed on as it came.
        for properties in [properties, [.payloadFormatIndicator(false)]] {
            try publisher.send(.publish("a", "x", properties: properties))
            #expect(try client.receive() == [.publish("a", "x", properties: properties)])
        }
    }

    /// MQTT-3.3.4-4
    @Test func aDeliveryNamesEverySubscriptionThatMatched() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient()
        try client.subscribe("a/#", .atMostOnce, properties: [.subscriptionIdentifier(1)])
        try client.subscribe("a/+", .atMostOnce, properties: [.subscriptionIdentifier(2)])
        try conversation.broker.publish("a/b", Self.payload)
        guard case .publish(let publish) = try client.receive().first else {
            throw Conversation.Failure.somethingElseCame
        }
        #expect(Set(publish.properties.subscriptionIdentifiers) == [1, 2])
    }

    /// MQTT-3.3.4-9, MQTT-3.3.4-10, MQTT-4.9.0-2, MQTT-4.9.0-3
    @Test func aFullWindowDelaysNothingButPublications() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(properties: [.receiveMaximum(1)])
        try client.subscribe("a", .atLeastOnce)
        for _ in 0..<3 { try conversation.broker.publish("a", Self.payload, qos: .atLeastOnce) }
        #expect(try client.receive() == [.publish("a", "x", .atLeastOnce, id: 1)])
        try client.send(.pingreq, .publish("b", "", .atLeastOnce, id: 9), .subscribe(3, ("c", .atMostOnce)))
        #expect(try client.receive().map(\.type) == [.pingresp, .puback, .suback])
        try client.send(.puback(Acknowledgement(1)))
        #expect(try client.receive() == [.publish("a", "x", .atLeastOnce, id: 2)])
    }

    /// MQTT-4.6.0-4
    @Test func releasesLeaveInTheOrderOfTheReceptions() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient()
        try client.subscribe("a", .exactlyOnce)
        for _ in 0..<3 { try conversation.broker.publish("a", Self.payload, qos: .exactlyOnce) }
        _ = try client.receive()
        try client.send(.pubrec(Acknowledgement(2)), .pubrec(Acknowledgement(3)))
        try client.send(.pubrec(Acknowledgement(1)))
        #expect(
            try client.receive() == [
                .pubrel(Acknowledgement(2)), .pubrel(Acknowledgement(3)), .pubrel(Acknowledgement(1)),
            ])
    }
}
