import Messaging

/// Habits of the field that an operator may choose. What changes nothing for clients that do not ask for it is on; what
/// would change what clients see is off until set.
package struct BrokerFeatures: Sendable {
    /// How a shared subscription picks the member that gets a message.
    package var shareStrategy = ShareStrategy.roundRobin
    /// `$delayed/{seconds}/{topic}`; nil takes such names for ordinary topics.
    package var delayed: DelayedLimits? = DelayedLimits()
    /// `$exclusive/{filter}`; false refuses such filters.
    package var allowsExclusive = true
    package var rewriter: TopicRewriter?
    package var autoSubscriptions: [AutoSubscription] = []

    package init() {}
}
