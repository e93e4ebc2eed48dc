import Messaging
import Settings

extension LimitSettings {
    /// The core's limits as the settings have them; what no key names keeps the core's own default.
    var brokerLimits: BrokerLimits {
        var limits = BrokerLimits()
        limits.sessions = sessions.value
        limits.subscriptionsPerSession = subscriptionsPerSession.value
        limits.retainedMessages = retainedMessages.value
        limits.topicLevels = topicLevels.value
        limits.payloadOctets = payload.bytes
        limits.sessionExpiry = sessionExpiry
        limits.memory = memory?.bytes
        limits.mailbox.onlineMessages = mailbox.onlineMessages.value
        limits.mailbox.offlineMessages = mailbox.offlineMessages.value
        limits.mailbox.inMemoryMessages = mailbox.inMemory.value
        limits.mailbox.octets = mailbox.octets.bytes
        limits.mailbox.longestHoldBack = mailbox.longestHoldBack
        limits.mailbox.policy = mailbox.policy.policy
        limits.mailbox.timeToLive = mailbox.timeToLive
        return limits
    }
}
