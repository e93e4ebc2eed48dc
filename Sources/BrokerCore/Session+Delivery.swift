import Messaging
import Synchronization

extension Session {
    /// What putting a message in asks of the router once no lock is held.
    struct PutEffects {
        var wake: SessionAttachment?
        /// The mailbox has more waiting than is good; the publisher should hold back.
        var isPressed = false
        /// A drop to be reported.
        var dropped: DropReason?
    }

    /// Puts one copy of each message of a run in, or accounts for why not.
    /// - Parameters:
    ///   - messages: the batch, which begins with the run.
    ///   - start: where among `copies` those for this session begin; nil when nobody else gets the run: it leaves the batch.
    ///   - isPromised: `refuses` was asked before.
    ///   - memoryShare: octets that the mailbox may hold in memory.
    @inline(never)
    func put(
        _ messages: inout MessageBatch, _ copies: inout RunCopies, from start: Int?,
        _ run: inout ContiguousArray<RouteScratch.Arrival>, as receiver: RouteScratch.Merged, durability: Durability,
        isPromised: Bool = false, memoryShare: Int = .max,
        limits: MailboxLimits, clock: any GatewayClock
    ) -> PutEffects {
        state.withLock { state in
            var put = SessionState.Putting(state, receiver, durability, limits: limits, clock: clock)
            put.bounds.isPromised = isPromised
            put.bounds.memoryShare = memoryShare
            let takesWhole = state.takesWhole(run, put)
            var taken = 0
            for index in run.indices {
                while start == nil, taken < run[index].message {  // refused
                    _ = messages.takeFirst()
                    taken += 1
                }
                taken += 1
                let message = if let start { copies.take(start + index) } else { messages.takeFirst() }
                if takesWhole {
                    state.append(message, run[index].outline, &put)
                } else {
                    run[index].commit = max(run[index].commit, state.put(message, run[index].outline, &put))
                }
            }
            return state.effects(of: put)
        }
    }

    /// Puts one copy of one message in.
    /// - Returns: also the point at which it is stored.
    func put(
        _ message: Message, as receiver: RouteScratch.Merged, durability: Durability, limits: MailboxLimits,
        clock: any GatewayClock
    ) -> (effects: PutEffects, commit: CommitPoint) {
        state.withLock { state in
            var put = SessionState.Putting(state, receiver, durability, limits: limits, clock: clock)
            let commit = state.put(message, MessageOutline(message), &put)
            return (state.effects(of: put), commit)
        }
    }

    /// Puts the first message of a batch in, out of the batch.
    /// - Parameters:
    ///   - entry: the only subscription that gets it.
    ///   - memoryShare: octets that the mailbox may hold in memory.
    /// - Returns: also the point at which it is stored.
    @inline(never)
    func put(
        firstOf messages: inout MessageBatch, _ outline: MessageOutline, by entry: SubscriptionIndex.Recipient,
        durability: Durability, memoryShare: Int, limits: MailboxLimits, clock: any GatewayClock
    ) -> (effects: PutEffects, commit: CommitPoint) {
        state.withLock { state in
            guard !state.takesPlainly(outline.octets, durability, memoryShare: memoryShare, limits: limits) else {
                return (state.putPlainly(messages.takeFirst(), outline, by: entry, limits: limits), .none)
            }
            var put = SessionState.Putting(
                state, RouteScratch.Merged(entry), durability, limits: limits, clock: clock)
            put.bounds.memoryShare = memoryShare
            let commit = state.put(messages.takeFirst(), outline, &put)
            return (state.effects(of: put), commit)
        }
    }

    /// Whether the mailbox is full and wants the publisher of such a message refused.
    func refuses(octets: Int, memoryShare: Int, limits: MailboxLimits) -> Bool {
        state.withLock { state in
            let limits = state.mailboxTerms?.limits ?? limits
            var bounds = limits.bounds(isAwake: state.isAwake)
            bounds.memoryShare = memoryShare
            return state.mailbox.refuses(octets: octets, bounds)
        }
    }

    /// Takes a delivery at QoS 0 back.
    /// - Returns: whether the session still exists; an owner to be woken.
    func giveBack(_ delivery: Delivery) -> (isKept: Bool, wake: SessionAttachment?) {
        state.withLock { state in
            guard !state.hasEnded else { return (false, nil) }
            state.mailbox.giveBack(delivery)
            return (true, state.ownerToWake())
        }
    }

    /// What taking or settling asks of the caller once no lock is held.
    struct DrainEffects {
        /// Publishers that need not wait for this mailbox any more.
        var relieved: [SessionAttachment] = []
        var wake: SessionAttachment?
        /// The next delivery can be taken when this is committed.
        var awaitedCommit: CommitPoint?
        /// What is to be read back from the store.
        var page: PageRequest?
    }

    func take(
        _ limit: Int, epoch: UInt32, clock: any GatewayClock, limits: MailboxLimits, memoryShare: Int = .max,
        into deliveries: inout [Delivery]
    ) -> (TakeResult, DrainEffects) {
        state.withLock { state in
            var effects = DrainEffects()
            guard state.epoch == epoch, state.attachment != nil else { return (.drained, effects) }
            let result = state.mailbox.take(limit, now: clock.now(), into: &deliveries)
            state.isArmed = result != .more
            effects.awaitedCommit = state.mailbox.awaitedCommit
            if state.mailbox.tail.count > 0 {
                effects.page = state.mailbox.nextPage(
                    inMemory: (state.mailboxTerms?.limits ?? limits).inMemory(isAwake: true), memoryShare: memoryShare)
            }
            if state.mailbox.waitingCount <= limits.reliefMark {
                state.isStalled = false
                state.hasReportedDrop = false
                effects.relieved = state.takeHeldBack()
            }
            return (result, effects)
        }
    }

    func settle(
        _ packetID: UInt16, _ settlement: Settlement, epoch: UInt32
    ) -> (isKnown: Bool, wake: SessionAttachment?) {
        state.withLock { state in
            guard state.epoch == epoch, state.attachment != nil, state.mailbox.settle(packetID, settlement) else {
                return (false, nil)
            }
            return (true, state.ownerToWake())  // settling may open the window for what waits
        }
    }

    /// - Returns: an owner to be woken.
    func acknowledge(_ packetIDs: [UInt16], epoch: UInt32) -> SessionAttachment? {
        state.withLock { state in
            guard state.epoch == epoch, state.attachment != nil else { return nil }
            var isAnyKnown = false
            for packetID in packetIDs where state.mailbox.acknowledge(packetID) { isAnyKnown = true }
            return isAnyKnown ? state.ownerToWake() : nil
        }
    }

    func discard(_ delivery: Delivery, reason: DropReason, epoch: UInt32) -> DrainEffects {
        state.withLock { state in
            guard state.epoch == epoch, state.attachment != nil else { return DrainEffects() }
            state.mailbox.discard(delivery, reason: reason)
            return DrainEffects(wake: state.ownerToWake())
        }
    }

    /// Lets `publisher` wait for this mailbox.
    /// - Returns: false when it has drained meanwhile.
    func holdBack(_ publisher: SessionAttachment, limits: MailboxLimits) -> Bool {
        state.withLock { state in
            guard state.isAwake, !state.isStalled, state.mailbox.waitingCount > limits.reliefMark else { return false }
            state.holdBack(publisher)
            return true
        }
    }

    /// Gives up on this mailbox draining soon: it holds nobody back until it has.
    func stall() -> [SessionAttachment] {
        state.withLock { state in
            state.isStalled = true
            return state.takeHeldBack()
        }
    }
}

extension MailboxLimits {
    @inline(__always)
    func bounds(isAwake: Bool) -> Mailbox.Bounds {
        Mailbox.Bounds(
            messages: isAwake ? onlineMessages : offlineMessages, octets: octets, policy: policy,
            keepsLatestOnly: policy == .latestOnly && !isAwake, inMemory: inMemory(isAwake: isAwake))
    }

    func inMemory(isAwake: Bool) -> Int { isAwake ? max(inMemoryMessages, pressureMark) : inMemoryMessages }

    /// Waiting messages from which on publishers are held back.
    var pressureMark: Int { max(1, onlineMessages / 4) }
    /// Waiting messages at which they go on.
    var reliefMark: Int { onlineMessages / 8 }
}

extension SessionState {
    /// Messages being put in: what holds for all of them, and what came of those so far.
    struct Putting {
        var receiver: RouteScratch.Merged
        var durability: Durability
        let limits: MailboxLimits
        let isAwake: Bool
        let refusesQoS0: Bool
        var bounds: Mailbox.Bounds
        var dropped: DropReason?
        var mayPress = false

        @inline(__always)
        init(
            _ state: borrowing SessionState, _ receiver: RouteScratch.Merged, _ durability: Durability,
            limits: MailboxLimits, clock: any GatewayClock
        ) {
            self.receiver = receiver
            self.durability = durability
            self.limits = state.mailboxTerms?.limits ?? limits
            isAwake = state.isAwake
            refusesQoS0 = state.attachment == nil && !state.queuesQoS0WhileDetached
            bounds = self.limits.bounds(isAwake: isAwake)
            if let timeToLive = self.limits.timeToLive { bounds.waitsUntil = Self.later(by: timeToLive, clock) }
        }

        /// Apart, so that the clock is not copied where messages may wait for ever.
        @inline(never)
        private static func later(by duration: Duration, _ clock: any GatewayClock) -> Timestamp {
            clock.now() + duration
        }
    }

    /// Whether the messages of a run may be put in by `append`.
    func takesWhole(_ run: borrowing ContiguousArray<RouteScratch.Arrival>, _ put: borrowing Putting) -> Bool {
        var octets = 0
        for index in run.indices { octets += run[index].outline.octets }
        return !put.refusesQoS0 && mailbox.takesWhole(run.count, octets: octets, put.durability, put.bounds)
    }

    /// Whether a message may be put in by `putPlainly`: its receiver is there, the mailbox has the broker's limits and room, and the store
    /// has no part in it.
    @inline(__always)
    func takesPlainly(_ octets: Int, _ durability: Durability, memoryShare: Int, limits: MailboxLimits) -> Bool {
        guard isAwake, mailboxTerms == nil, limits.timeToLive == nil else { return false }
        var bounds = limits.bounds(isAwake: true)
        bounds.memoryShare = memoryShare
        return mailbox.takesWhole(1, octets: octets, durability, bounds)
    }

    /// Puts a message in, of which `takesPlainly` has been asked.
    @inline(__always)
    mutating func putPlainly(
        _ message: consuming Message, _ outline: MessageOutline, by entry: SubscriptionIndex.Recipient,
        limits: MailboxLimits
    ) -> Session.PutEffects {
        let qos = min(outline.qos, entry.options.qos)  // MQTT-3.8.4-8
        let retain = entry.options.retainAsPublished ? outline.retain : false  // MQTT-3.3.1-12, MQTT-3.3.1-13
        mailbox.append(
            message, outline, qos: qos, retain: retain,
            subscriptionIDs: entry.identifier == 0 ? .none : .one(entry.identifier), share: entry.share,
            waitsUntil: .never)
        var effects = Session.PutEffects()
        if qos != .atMostOnce, !isStalled { effects.isPressed = mailbox.waitingCount >= limits.pressureMark }
        effects.wake = ownerToWake()
        return effects
    }

    /// Puts a copy in, of which `takesWhole` has been asked.
    @inline(__always)
    mutating func append(_ message: consuming Message, _ outline: MessageOutline, _ put: inout Putting) {
        let qos = min(outline.qos, put.receiver.qos)  // MQTT-3.8.4-8, MQTT-4.8.2-3
        if qos != .atMostOnce { put.mayPress = true }
        let retain = put.receiver.retainAsPublished ? outline.retain : false  // MQTT-3.3.1-12, MQTT-3.3.1-13
        mailbox.append(
            message, outline, qos: qos, retain: retain, subscriptionIDs: put.receiver.subscriptionIDs,
            share: put.receiver.share, waitsUntil: put.bounds.waitsUntil)
    }

    /// Puts a copy in, or accounts for why not.
    /// - Returns: the point at which it is stored.
    @inline(never)
    mutating func put(
        _ message: consuming Message, _ outline: MessageOutline, _ put: inout Putting
    ) -> CommitPoint {
        let qos = min(outline.qos, put.receiver.qos)  // MQTT-3.8.4-8, MQTT-4.8.2-3
        if qos == .atMostOnce, put.refusesQoS0 {
            mailbox.reject(.offlineQoS0)
            return .none
        }
        let retain = put.receiver.retainAsPublished ? outline.retain : false  // MQTT-3.3.1-12, MQTT-3.3.1-13
        let result = mailbox.put(
            message, outline, durability: put.durability, qos: qos, retain: retain,
            subscriptionIDs: put.receiver.subscriptionIDs, share: put.receiver.share, bounds: put.bounds)
        if let reason = result.dropReason {
            if !hasReportedDrop { put.dropped = reason }
            hasReportedDrop = true
        } else if qos != .atMostOnce {
            put.mayPress = true
        }
        return result.commit
    }

    mutating func effects(of put: Putting) -> Session.PutEffects {
        var effects = Session.PutEffects()
        effects.dropped = put.dropped
        if put.mayPress, put.isAwake, !isStalled {
            effects.isPressed = mailbox.waitingCount >= put.limits.pressureMark
        }
        effects.wake = ownerToWake()
        return effects
    }
}
