package import Messaging
import Synchronization

/// Answers by the rules of an ACL file.
package final class AccessListAuthorizer: Authorizer {
    private let list: Mutex<AccessList>

    package init(_ list: AccessList) { self.list = Mutex(list) }

    /// From here on the rules of `list` hold; to be followed by `recheckAccess` of the core.
    package func replace(_ list: AccessList) { self.list.withLock { $0 = list } }

    private var current: AccessList { list.withLock { $0 } }

    package func allows(_ action: Action, by principal: Principal) -> Bool {
        switch action {
        case .publish(let topic): current.allows(.write, topic, principal)
        case .receive(let topic): current.allows(.read, topic, principal)
        case .unsubscribe(let filter): current.allowsUnsubscribing(filter, principal)
        }
    }

    package func access(to filter: TopicFilter, by principal: Principal) -> SubscriptionAccess {
        current.access(to: filter, by: principal)
    }
}
