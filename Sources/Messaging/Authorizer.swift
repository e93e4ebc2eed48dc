/// Port: decides what a principal may do. Called on the publish path, also under locks of the core: it answers from memory,
/// at once, and calls nobody.
///
/// The gateway's own actions are not asked for.
public protocol Authorizer: Sendable {
    func allows(_ action: Action, by principal: Principal) -> Bool

    /// False where everything is allowed to everybody and always will be: then nothing is asked, and no topic name made to ask with.
    var restricts: Bool { get }

    /// How much of what `filter` matches `principal` may receive.
    func access(to filter: TopicFilter, by principal: Principal) -> SubscriptionAccess
}

extension Authorizer {
    public var restricts: Bool { true }
}

/// What somebody wants to do.
public enum Action: Sendable {
    case publish(TopicName)
    /// Be given a message of this topic.
    case receive(TopicName)
    case unsubscribe(TopicFilter)
}

/// The answer to a subscription.
public enum SubscriptionAccess: Sendable, Equatable {
    /// Nothing that matches may be received.
    case refused
    /// Some of what matches may be received: each message is asked for (`Action.receive`) before it is delivered.
    case partial
    /// All that matches may be received: nothing more is asked.
    case full
}
