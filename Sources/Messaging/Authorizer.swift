/// Port: decides what a principal may do. Called on the publish path, so it answers from memory.
package protocol Authorizer: Sendable {
    /// The gateway's own actions are not asked for.
    func allows(_ action: Action, by principal: Principal) -> Bool
}

/// What somebody wants to do.
package enum Action: Sendable {
    case publish(TopicName)
    case subscribe(TopicFilter)
}
