package import Messaging

/// A subscription that every client gets when it comes in, without asking.
package struct AutoSubscription: Sendable {
    /// With `${clientid}` and `${username}`; a client that lacks one does not get the subscription.
    package let filter: String
    package let qos: QoS
    package let noLocal: Bool
    package let retainAsPublished: Bool
    package let retainHandling: Subscription.RetainHandling
    /// Beginnings of the names of listeners (`Peer.listener`) whose clients get it. Clients of other protocols would not
    /// know what to do with messages they did not ask for.
    package let listenerPrefixes: [String]

    package init(
        filter: String, qos: QoS = .atMostOnce, noLocal: Bool = false, retainAsPublished: Bool = false,
        retainHandling: Subscription.RetainHandling = .send, listenerPrefixes: [String]
    ) {
        self.filter = filter
        self.qos = qos
        self.noLocal = noLocal
        self.retainAsPublished = retainAsPublished
        self.retainHandling = retainHandling
        self.listenerPrefixes = listenerPrefixes
    }

    /// What one client subscribes to; nil when it is not meant or has no name to fill in.
    func subscription(for principal: Principal, at peer: Peer) -> Subscription? {
        guard listenerPrefixes.contains(where: { peer.listener.hasPrefix($0) }),
            let text = Placeholders(principal).expand(filter), let filter = try? TopicFilter(text)
        else { return nil }
        return Subscription(
            filter: filter, qos: qos, noLocal: noLocal && !filter.isShared,
            retainAsPublished: retainAsPublished, retainHandling: retainHandling)
    }
}

extension CoreBroker {
    /// Subscribes a client that has come in; rights and limits hold as for its own subscriptions.
    func autoSubscribe(_ attachment: SessionAttachment, at peer: Peer) {
        let subscriptions = features.autoSubscriptions.compactMap {
            $0.subscription(for: attachment.principal, at: peer)
        }
        guard !subscriptions.isEmpty else { return }
        _ = attachment.subscribe(subscriptions)
    }
}
