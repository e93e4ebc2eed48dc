import Messaging

/// What the publish path reads under the router's lock: the index, and who its numbers stand for.
struct Routing: ~Copyable {
    var index = SubscriptionIndex()
    private(set) var sessions: ContiguousArray<Session?> = []
    private var free: [SubscriptionIndex.SubscriberID] = []

    /// Reserves a place; `place` fills it.
    mutating func reserve() -> SubscriptionIndex.SubscriberID {
        if let place = free.popLast() { return place }
        sessions.append(nil)
        return SubscriptionIndex.SubscriberID(sessions.count - 1)
    }

    mutating func place(_ session: Session) { sessions[Int(session.subscriber)] = session }

    /// Takes a session and its subscriptions out.
    mutating func remove(_ session: Session) {
        index.removeAll(of: session.subscriber)
        sessions[Int(session.subscriber)] = nil
        free.append(session.subscriber)
    }

    func holds(_ session: Session) -> Bool { sessions[Int(session.subscriber)] === session }
}
