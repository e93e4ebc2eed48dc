import BrokerCore
import Messaging
import Settings

/// The settings of the core's optional habits.
extension Configuration {
    /// Listeners of protocols whose clients can make something of messages they did not ask for: MQTT and MQTT-SN.
    private static let autoSubscribing = ["mqtt"]

    func features() throws(SettingsError) -> BrokerFeatures {
        var features = BrokerFeatures()
        features.shareStrategy = shareStrategy
        features.allowsExclusive = settings.exclusiveSubscriptions
        features.delayed = delayedLimits
        features.rewriter = try rewriter()
        for (index, entry) in settings.autoSubscribe.enumerated() {
            features.autoSubscriptions.append(try autoSubscription(entry, index: index))
        }
        return features
    }

    private var shareStrategy: ShareStrategy {
        switch settings.sharedSubscriptions.strategy {
        case .roundRobin: .roundRobin
        case .random: .random
        case .sticky: .sticky
        case .hashClientID: .hashClientID
        case .hashTopic: .hashTopic
        }
    }

    private var delayedLimits: DelayedLimits? {
        guard settings.delayed.enabled else { return nil }
        var limits = DelayedLimits()
        limits.messages = settings.delayed.messages.value
        limits.octets = settings.delayed.octets.bytes
        return limits
    }

    private func rewriter() throws(SettingsError) -> TopicRewriter? {
        guard !settings.rewrite.isEmpty else { return nil }
        let rules = settings.rewrite.map { rule in
            let action: TopicRewrite.Action =
                switch rule.action {
                case .publish: .publish
                case .subscribe: .subscribe
                case .all: .all
                }
            return TopicRewrite(
                action: action, source: rule.sourceTopic, expression: rule.expression,
                destination: rule.destinationTopic)
        }
        do throws(TopicRewriteError) {
            return try TopicRewriter(rules)
        } catch {
            throw problem("rewrite.\(error.index)", error.problem, remedy: error.remedy)
        }
    }

    private func autoSubscription(_ entry: AutoSubscribeSettings, index: Int) throws(SettingsError) -> AutoSubscription {
        guard (try? TopicFilter(entry.topic)) != nil else {
            throw problem(
                "auto_subscribe.\(index).topic", "is \"\(entry.topic)\", which is no topic filter",
                remedy: "write one such as clients/${clientid}/#")
        }
        return AutoSubscription(
            filter: entry.topic, qos: entry.qos.flatMap { QoS(rawValue: UInt8(clamping: $0.value)) } ?? .atMostOnce,
            noLocal: entry.noLocal ?? false, retainAsPublished: entry.retainAsPublished ?? false,
            retainHandling: entry.retainHandling.flatMap { .init(rawValue: UInt8(clamping: $0.value)) } ?? .send,
            listenerPrefixes: Self.autoSubscribing)
    }
}
