package import Messaging
import Synchronization

/// Scratch space of one pass through the publish path; reused, so that a pass allocates nothing per receiver.
struct RouteScratch {
    var matches = Matches()
    /// Where in `merged` a subscriber stands, valid when `stamps` holds the current stamp.
    var positions: ContiguousArray<Int32> = []
    var stamps: ContiguousArray<UInt32> = []
    var stamp: UInt32 = 0
    var merged: ContiguousArray<Merged> = []
    var wakes: [any SessionOwner] = []
    var pressing: [Session] = []
    var dropping: [(ClientID, DropReason)] = []

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

extension CoreBroker {
    package func publish(
        _ messages: [Message], as principal: Principal, via listener: String, outcomes: inout [PublishOutcome]
    ) {
        let first = outcomes.count
        route(messages, as: principal, publisher: nil, outcomes: &outcomes)
        traffic[listener].count(messages, outcomes[first...])
    }

    /// Routes a batch: checks, retained messages, then one look at the index for all. What the batch asks for beyond that
    /// (waking owners, holding the publisher back) is done after the lock is given back.
    func route(
        _ messages: [Message], as principal: Principal, publisher: SessionAttachment?, outcomes: inout [PublishOutcome]
    ) {
        together {
            routeInGroup(messages, as: principal, publisher: publisher, hasPublisher: true, outcomes: &outcomes)
        }
    }

    /// Runs `body`; what it records is committed together or not at all. Does not nest.
    func together<Result>(_ body: () -> Result) -> Result {
        store?.beginGroup()
        defer { store?.endGroup() }
        return body()
    }

    /// `route` for a caller that has more to record together with the messages.
    /// - Parameters:
    ///   - isRewritten: the topics have been through the rewrite rules already.
    ///   - hasPublisher: somebody waits for the outcomes, who can be refused.
    func routeInGroup(
        _ messages: [Message], as principal: Principal, publisher: SessionAttachment?, isRewritten: Bool = false,
        hasPublisher: Bool = false, outcomes: inout [PublishOutcome]
    ) {
        let mayRefuse = hasPublisher && principal.kind != .gateway && mayRefuse.load(ordering: .relaxed)
        let messages = features.rewriter == nil || isRewritten ? messages : rewritten(messages, principal)
        let first = outcomes.count
        for message in messages { outcomes.append(admit(message, principal)) }
        var scratch = scratches.withLock { $0.popLast() } ?? RouteScratch()
        routing.read { routing in
            for (offset, message) in messages.enumerated() {
                // One that has a receiver already is held for later.
                guard case .accepted(0, _) = outcomes[first + offset] else { continue }
                let level = durability.level(of: message.topic, listenerLevel: publisher?.durability)
                outcomes[first + offset] = deliver(message, level, mayRefuse: mayRefuse, routing, &scratch)
            }
        }
        finish(&scratch, publisher: publisher)
        scratches.withLock { $0.append(scratch) }
    }

    /// Checks one message.
    private func admit(_ message: Message, _ principal: Principal) -> PublishOutcome {
        let isGateway = principal.kind == .gateway
        guard message.payload.count <= limits.payloadOctets else { return .refused(.tooLarge) }
        guard Levels.count(message.topic.string) <= limits.topicLevels else { return .refused(.topicNotAllowed) }
        if message.topic.isReserved, let outcome = admitReserved(message, principal) { return outcome }
        guard isGateway || authorizer.allows(.publish(message.topic), by: principal) else {
            return .refused(.notAuthorized)
        }
        if message.retain, message.qos != .atMostOnce, isStoreFailing, durability.level(of: message.topic) != .memory {
            return .refused(.quotaExceeded)
        }
        return .accepted(receivers: 0, commit: .none)
    }

    /// Keeps a message that is to be retained and puts a copy into each receiver's mailbox; or refuses it before anybody has it.
    private func deliver(
        _ message: Message, _ level: Durability, mayRefuse: Bool, _ routing: borrowing Routing,
        _ scratch: inout RouteScratch
    ) -> PublishOutcome {
        routing.index.match(message.topic, into: &scratch.matches)  // MQTT-3.3.2-3, MQTT-4.5.0-1
        for group in scratch.matches.groups {
            let member = routing.index.pick(from: group, by: features.shareStrategy, for: message) { subscriber in
                routing.sessions[Int(subscriber)]?.isListening.load(ordering: .relaxed) == true
            }
            scratch.matches.append(member)
        }
        merge(message, routing.sessions, &scratch)
        if isStoreFailing, level != .memory, needsStore(message, routing, scratch) { return .refused(.quotaExceeded) }
        if mayRefuse, isRefused(message, routing, scratch) { return .refused(.receiverFull) }
        var commit = CommitPoint.none
        if message.retain {
            guard let point = retain(message) else { return .refused(.quotaExceeded) }
            commit = point
        }
        for receiver in scratch.merged {
            guard let session = routing.sessions[Int(receiver.subscriber)] else { continue }
            let effects = session.put(
                message, durability: level, qos: min(message.qos, receiver.qos),  // MQTT-3.8.4-8, MQTT-4.8.2-3
                retain: receiver.retainAsPublished && message.retain,  // MQTT-3.3.1-12, MQTT-3.3.1-13
                subscriptionIDs: receiver.subscriptionIDs, share: receiver.share, isPromised: mayRefuse,
                limits: limits.mailbox, clock: clock)
            commit = max(commit, effects.commit)
            if let owner = effects.wake { scratch.wakes.append(owner) }
            if effects.isPressed { scratch.pressing.append(session) }
            if let reason = effects.dropped { scratch.dropping.append((session.clientID, reason)) }
        }
        if scratch.merged.isEmpty { traffic.unrouted.add() }
        return .accepted(receivers: scratch.merged.count, commit: commit)
    }

    private var isStoreFailing: Bool { store?.isFailing ?? false }

    /// Whether a receiver's copy would have to be stored. Refusing the whole message is the only honest answer then: its
    /// publisher could not be told that it is safe, and repeats it to everybody.
    private func needsStore(_ message: Message, _ routing: borrowing Routing, _ scratch: RouteScratch) -> Bool {
        guard message.qos != .atMostOnce else { return false }
        return scratch.merged.contains { receiver in
            receiver.qos != .atMostOnce
                && routing.sessions[Int(receiver.subscriber)]?.isDurable.load(ordering: .relaxed) == true
        }
    }

    /// Whether a receiver's mailbox is full and wants the publisher refused: then nobody gets the message, as its publisher sends
    /// it again to everybody. A copy at QoS 0 is never worth that.
    private func isRefused(_ message: Message, _ routing: borrowing Routing, _ scratch: RouteScratch) -> Bool {
        guard message.qos != .atMostOnce else { return false }
        let octets = message.octets
        return scratch.merged.contains { receiver in
            receiver.qos != .atMostOnce
                && routing.sessions[Int(receiver.subscriber)]?.refuses(octets: octets, limits: limits.mailbox) == true
        }
    }

    /// One entry per receiver: where several subscriptions of a session match, the highest QoS counts and all
    /// identifiers are told (MQTT 5.0, 3.3.4; MQTT-3.3.4-2, MQTT-3.3.4-3). What comes by a shared subscription is a copy of its
    /// own, with the identifier of that subscription (MQTT 5.0, 4.8.2; MQTT-3.3.4-5).
    private func merge(_ message: Message, _ sessions: ContiguousArray<Session?>, _ scratch: inout RouteScratch) {
        scratch.merged.removeAll(keepingCapacity: true)
        let mayRepeat = scratch.matches.lists > 1
        if mayRepeat { scratch.beginStamp(subscribers: sessions.count) }
        for entry in scratch.matches.entries {
            if entry.options.isConditional, isLeftOut(message, for: entry, sessions) { continue }
            let isShared = entry.share != ShareGroups.none
            if mayRepeat, !isShared, let position = scratch.position(of: entry.subscriber) {
                scratch.merged[position].qos = max(scratch.merged[position].qos, entry.options.qos)
                scratch.merged[position].retainAsPublished =
                    scratch.merged[position].retainAsPublished || entry.options.retainAsPublished
                scratch.merged[position].subscriptionIDs.insert(entry.identifier)
                continue
            }
            var merged = RouteScratch.Merged(
                subscriber: entry.subscriber, qos: entry.options.qos, retainAsPublished: entry.options.retainAsPublished
            )
            merged.subscriptionIDs.insert(entry.identifier)
            merged.share = entry.share
            if mayRepeat, !isShared { scratch.note(entry.subscriber, at: scratch.merged.count) }
            scratch.merged.append(merged)
        }
    }

    /// Whether no-local or the receiver's rights leave it out.
    func isLeftOut(
        _ message: Message, for entry: SubscriptionIndex.Entry, _ sessions: ContiguousArray<Session?>
    ) -> Bool {
        guard let session = sessions[Int(entry.subscriber)] else { return true }
        if entry.options.noLocal, message.publisher == session.clientID { return true }  // MQTT-3.8.3-3
        guard entry.options.isPartial else { return false }
        return !authorizer.allows(.receive(message.topic), by: session.state.withLock { $0.principal })
    }

    private func rewritten(_ messages: [Message], _ principal: Principal) -> [Message] {
        guard principal.kind != .gateway, let rewriter = features.rewriter else { return messages }
        return messages.map { message in
            rewriter.rewritten(message.topic, for: principal).map { message.renamed($0) } ?? message
        }
    }

    private func finish(_ scratch: inout RouteScratch, publisher: SessionAttachment?) {
        for owner in scratch.wakes { owner.wake() }
        for (clientID, reason) in scratch.dropping { events.record(.dropping(clientID, reason)) }
        if let publisher {
            for session in scratch.pressing { holdBack(publisher, for: session) }
        }
        scratch.wakes.removeAll(keepingCapacity: true)
        scratch.dropping.removeAll(keepingCapacity: true)
        scratch.pressing.removeAll(keepingCapacity: true)
    }

    // MARK: Giving back

    /// An adapter has not sent a delivery at QoS 0 that it had taken. When the session has ended meanwhile, the copy is
    /// accounted for like the rest of its mailbox.
    func giveBack(_ delivery: Delivery, to session: Session) {
        let (isKept, wake) = session.giveBack(delivery)
        guard !isKept else {
            wake?.wake()
            return
        }
        sessions.withLock { table in
            table.departed.delivered -= 1
            table.departed[dropped: .sessionEnded] += 1
        }
    }

    // MARK: Holding back

    private func holdBack(_ publisher: SessionAttachment, for receiver: Session) {
        // A client that subscribes to what it publishes must be read from to empty its own mailbox.
        guard receiver !== publisher.session else { return }
        let wasHeld = publisher.isHeldBack
        guard publisher.holdBack.begin(receiver, now: clock.now()) else { return }
        guard receiver.holdBack(publisher, limits: limits.mailbox) else { return publisher.relieve(from: receiver) }
        if !wasHeld { held.withLock { $0.append(publisher) } }
    }

    /// Lets go publishers that have been held back for the longest time allowed. The receivers at fault hold nobody back
    /// until they have caught up.
    func releaseOverdueHoldBacks(now: Timestamp) {
        let deadline = now + (.zero - limits.mailbox.longestHoldBack)
        let publishers = held.withLock { held in
            held.removeAll { !$0.isHeldBack }
            return held
        }
        for publisher in publishers {
            for receiver in publisher.holdBack.overdue(since: deadline) {
                for released in receiver.stall() { released.relieve(from: receiver) }
                publisher.relieve(from: receiver)
            }
        }
    }
}

extension RouteScratch {
    /// Forgets all positions, in one step.
    fileprivate mutating func beginStamp(subscribers: Int) {
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

    fileprivate func position(of subscriber: SubscriptionIndex.SubscriberID) -> Int? {
        stamps[Int(subscriber)] == stamp ? Int(positions[Int(subscriber)]) : nil
    }

    fileprivate mutating func note(_ subscriber: SubscriptionIndex.SubscriberID, at position: Int) {
        stamps[Int(subscriber)] = stamp
        positions[Int(subscriber)] = Int32(position)
    }
}
