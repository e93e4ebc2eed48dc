import MQTTCodec
import Messaging
import NIOCore
import TestKit
import Testing

@testable import MQTTServer

/// What an operator switched off.
@Suite struct CapabilitiesTests {
    private func conversation(_ configure: @escaping (inout Capabilities) -> Void) -> Conversation {
        Conversation { configure(&$0.capabilities) }
    }

    /// MQTT-3.2.2-9
    @Test func a5ClientIsToldWhatIsMissing() throws {
        let conversation = conversation { $0 = .none }
        let client = try conversation.client()
        try client.send(.connect(Connect(version: .v5, clientIdentifier: "c")))
        let answer = try client.welcome()
        let told: [Property] = [
            .maximumQoS(.atMostOnce), .retainAvailable(false), .wildcardSubscriptionAvailable(false),
            .subscriptionIdentifierAvailable(false), .sharedSubscriptionAvailable(false),
        ]
        #expect(answer.properties.list.suffix(5) == told)
    }

    /// MQTT-3.2.2-12, MQTT-3.2.2-13
    @Test func aWillThatCannotBePublishedAsAskedIsRefusedWithItsConnection() throws {
        let cases: [(Connect.Will, ReasonCode)] = [
            (Connect.Will(topic: "w", payload: ByteBuffer(), qos: .atLeastOnce), .qosNotSupported),
            (Connect.Will(topic: "w", payload: ByteBuffer(), isRetained: true), .retainNotSupported),
        ]
        for (will, code) in cases {
            for version in [ProtocolVersion.v311, .v5] {
                let client = try conversation { $0 = .none }.client(version)
                try client.send(.connect(Connect(version: version, clientIdentifier: "c", will: will)))
                #expect(try client.receive() == (version == .v5 ? [.connack(ConnAck(reasonCode: code))] : []))
                #expect(client.isClosed)
            }
        }
    }

    @Test func publishingWhatIsNotAvailableEndsTheConnection() throws {
        let cases: [(Packet, ReasonCode)] = [
            (.publish("a", "", .atLeastOnce, id: 1), .qosNotSupported),
            (.publish("a", "", isRetained: true), .retainNotSupported),
        ]
        for (packet, code) in cases {
            let conversation = conversation { $0 = .none }
            let client = try conversation.connectedClient()
            try client.send(packet)
            #expect(try client.receive() == [.disconnect(Disconnect(reasonCode: code))])
            #expect(conversation.broker.published.isEmpty)
        }
    }

    @Test func subscribingToWhatIsNotAvailableEndsA5ConnectionAndFailsAloneBefore() throws {
        let cases: [(Subscribe, ReasonCode)] = [
            (Subscribe(1, filters: [.init("a/#", qos: .atMostOnce)]), .wildcardSubscriptionsNotSupported),
            (Subscribe(1, filters: [.init("$share/g/a", qos: .atMostOnce)]), .sharedSubscriptionsNotSupported),
            (
                Subscribe(1, filters: [.init("a", qos: .atMostOnce)], properties: [.subscriptionIdentifier(1)]),
                .subscriptionIdentifiersNotSupported
            ),
        ]
        for (subscribe, code) in cases {
            let client = try conversation { $0 = .none }.connectedClient()
            try client.send(.subscribe(subscribe))
            #expect(try client.receive() == [.disconnect(Disconnect(reasonCode: code))])
        }
        let old = try conversation { $0 = .none }.connectedClient(.v311)
        try old.send(.subscribe(1, ("a/#", .atMostOnce), ("b", .exactlyOnce)))
        #expect(try old.receive() == [.suback(SubAck(1, reasonCodes: [.unspecifiedError, .grantedQoS0]))])
    }

    /// MQTT-3.2.2-10
    @Test func aSubscriptionIsGrantedTheHighestQoSThereIs() throws {
        let client = try conversation { $0.maximumQoS = .atLeastOnce }.connectedClient()
        try client.send(.subscribe(1, ("a", .exactlyOnce), ("b", .atMostOnce)))
        #expect(try client.receive() == [.suback(SubAck(1, reasonCodes: [.grantedQoS1, .grantedQoS0]))])
    }
}

extension Capabilities {
    /// Everything that can be switched off is.
    fileprivate static var none: Capabilities {
        var capabilities = Capabilities()
        capabilities.maximumQoS = .atMostOnce
        capabilities.retain = false
        capabilities.wildcardSubscriptions = false
        capabilities.subscriptionIdentifiers = false
        capabilities.sharedSubscriptions = false
        return capabilities
    }
}
