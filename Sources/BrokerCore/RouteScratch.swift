import Messaging

/// Scratch space of one pass through the publish path; reused, so that a pass allocates nothing per receiver.
struct RouteScratch: ~Copyable {
    var runs = RunsAhead()
    var recent = RecentTopics()
    var matches = Matches()
    /// Where in `merged` a subscriber stands, valid when `stamps` holds the current stamp.
    var positions: ContiguousArray<Int32> = []
    var stamps: ContiguousArray<UInt32> = []
    var stamp: UInt32 = 0
    var merged: ContiguousArray<Merged> = []
    var wakes: [SessionAttachment] = []
    var pressing: [Session] = []
    var dropping: [(ClientID, DropReason)] = []
    var accepted = TrafficReading.Volume()
    /// Messages nobody has subscribed to.
    var unrouted: UInt64 = 0
    /// The messages of the run at hand that go into mailboxes.
    var run: ContiguousArray<Arrival> = []
    var copies = RunCopies()

    /// Where one lies: to move it to a pass and back copied it eight times.
    ///
    /// Proof of `@unchecked Sendable`: it is in the list of spare ones, behind a lock, or with the one thread that took it out.
    final class Place: @unchecked Sendable {
        var scratch = RouteScratch()
    }

    /// One message on its way into mailboxes. It is named, not held, so that no reference is counted for it.
    struct Arrival {
        /// Where it stands in the run, which the batch begins with.
        let message: Int
        /// Where among the outcomes of the batch its own stands.
        let place: Int
        let outline: MessageOutline
        /// The point at which the copies made so far are stored.
        var commit = CommitPoint.none
    }

    /// One receiver of one message, with what its matching subscriptions add up to.
    struct Merged {
        let subscriber: SubscriptionIndex.SubscriberID
        var qos: QoS
        var retainAsPublished: Bool
        var subscriptionIDs = SubscriptionIDs.none
        /// The share group that picked it, if any.
        var share = ShareGroups.none
    }
}

extension RouteScratch.Merged {
    /// Of one subscription.
    @inline(__always)
    init(_ entry: SubscriptionIndex.Recipient) {
        subscriber = entry.subscriber
        qos = entry.options.qos
        retainAsPublished = entry.options.retainAsPublished
        if entry.identifier != 0 { subscriptionIDs.insert(entry.identifier) }
        share = entry.share
    }
}

extension RouteScratch {
    /// Forgets what the pass asked for.
    mutating func clear() {
        wakes.empty()
        dropping.empty()
        pressing.empty()
        accepted = TrafficReading.Volume()
        unrouted = 0
    }

    /// Nobody gets the message.
    mutating func forgetReceivers() {
        matches.clear()
        merged.empty()
    }

    /// What putting messages into a mailbox asks for when no lock is held.
    @inline(__always)
    mutating func note(_ effects: Session.PutEffects, of session: Session) {
        if let owner = effects.wake { wakes.append(owner) }
        if effects.isPressed { pressing.append(session) }
        if let reason = effects.dropped { dropping.append((session.clientID, reason)) }
    }

    /// Forgets all positions, in one step.
    mutating func beginStamp(subscribers: Int) {
        if stamps.count < subscribers {
            let missing = subscribers - stamps.count
            stamps.append(contentsOf: repeatElement(0, count: missing))
            positions.append(contentsOf: repeatElement(0, count: missing))
        }
        stamp &+= 1
        guard stamp == 0 else { return }
        for index in stamps.indices { stamps[index] = 0 }
        stamp = 1
    }

    func position(of subscriber: SubscriptionIndex.SubscriberID) -> Int? {
        stamps[Int(subscriber)] == stamp ? Int(positions[Int(subscriber)]) : nil
    }

    mutating func note(_ subscriber: SubscriptionIndex.SubscriberID, at position: Int) {
        stamps[Int(subscriber)] = stamp
        positions[Int(subscriber)] = Int32(position)
    }
}
