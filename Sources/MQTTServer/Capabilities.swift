import MQTTCodec
package import Messaging

/// Parts of MQTT that an operator may switch off; as a rule nothing is missing, and nothing else is needed (MQTT 3.1.1,
/// MQTT-7.0.0-2). 5.0 clients are told in CONNACK; one that uses them all the same is
/// disconnected with the reason the standard has for it. Older clients cannot be told: their subscriptions are refused one by
/// one (MQTT 3.1.1, MQTT-3.8.3-2), their connections closed.
package struct Capabilities: Equatable, Sendable {
    /// Highest QoS of publications, wills and granted subscriptions; subscriptions may ask for more (MQTT-3.2.2-10).
    package var maximumQoS = Messaging.QoS.exactlyOnce
    package var retain = true
    package var wildcardSubscriptions = true
    package var subscriptionIdentifiers = true
    package var sharedSubscriptions = true

    package init() {}

    /// For CONNACK: only what is missing is told (MQTT 5.0, 3.2.2.3.4, 3.2.2.3.5, 3.2.2.3.11 to 3.2.2.3.13).
    var properties: Properties {
        var properties = Properties()
        if maximumQoS < .exactlyOnce { properties.append(.maximumQoS(.init(maximumQoS))) }  // MQTT-3.2.2-9
        if !retain { properties.append(.retainAvailable(false)) }
        if !wildcardSubscriptions { properties.append(.wildcardSubscriptionAvailable(false)) }
        if !subscriptionIdentifiers { properties.append(.subscriptionIdentifierAvailable(false)) }
        if !sharedSubscriptions { properties.append(.sharedSubscriptionAvailable(false)) }
        return properties
    }

    /// Why a publication or a will is out of the question; nil when it is not.
    func refusal(of qos: MQTTCodec.QoS, isRetained: Bool) -> ReasonCode? {
        if Messaging.QoS(qos) > maximumQoS { return .qosNotSupported }  // MQTT-3.2.2-12
        return isRetained && !retain ? .retainNotSupported : nil  // MQTT-3.2.2-13
    }

    /// Why a subscription is out of the question; nil when it is not (MQTT 5.0, 3.2.2.3.11, 3.2.2.3.13).
    func refusal(of filter: TopicFilter) -> ReasonCode? {
        if filter.isShared, !sharedSubscriptions { return .sharedSubscriptionsNotSupported }
        return filter.hasWildcard && !wildcardSubscriptions ? .wildcardSubscriptionsNotSupported : nil
    }
}
