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

    /// Looks at the session of a place, if there is one, without counting a reference: the table holds it as long as it is read.
    @inline(__always)
    func withSession(at place: SubscriptionIndex.SubscriberID, _ body: (Session) -> Void) {
        guard let session = sessions[Int(place)].map(Unmanaged.passUnretained) else { return }
        session._withUnsafeGuaranteedRef(body)
    }

    func holds(_ session: Session) -> Bool { sessions[Int(session.subscriber)] === session }
}
