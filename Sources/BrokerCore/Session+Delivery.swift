import Messaging
import Synchronization

extension Session {
    /// What putting a message in asks of the router once no lock is held.
    struct PutEffects {
        var commit = CommitPoint.none
        var wake: (any SessionOwner)?
        /// The mailbox has more waiting than is good; the publisher should hold back.
        var isPressed = false
        /// A drop to be reported.
        var dropped: DropReason?
    }

    /// Puts one copy of `message` in, or accounts for why not.
    /// - Parameter isPromised: `refuses` was asked before.
    func put(
        _ message: Message, durability: Durability, qos: QoS, retain: Bool, subscriptionIDs: SubscriptionIDs,
        share: ShareGroups.GroupID = ShareGroups.none, isPromised: Bool = false, limits: MailboxLimits,
        clock: any GatewayClock
    ) -> PutEffects {
        state.withLock { state in
            let limits = state.mailboxTerms?.limits ?? limits
            var effects = PutEffects()
            let isAwake = state.isAwake
            if qos == .atMostOnce, state.attachment == nil, !state.queuesQoS0WhileDetached {
                state.mailbox.reject(.offlineQoS0)
                return effects
            }
            var bounds = limits.bounds(isAwake: isAwake)
            bounds.waitsUntil = limits.timeToLive.map { clock.now() + $0 } ?? .never
            bounds.isPromised = isPromised
            let result = state.mailbox.put(
                message, durability: durability, qos: qos, retain: retain, subscriptionIDs: subscriptionIDs,
                share: share,
                bounds: bounds)
            switch result {
            case .queued(let commit):
                effects.commit = commit
                if isAwake, qos != .atMostOnce, !state.isStalled {
                    effects.isPressed = state.mailbox.waitingCount >= limits.pressureMark
                }
            case .dropped(let commit, _):
                effects.commit = commit
                if !state.hasReportedDrop {
                    state.hasReportedDrop = true
                    effects.dropped = .mailboxFull
                }
            }
            effects.wake = state.ownerToWake()
            return effects
        }
    }

    /// Whether the mailbox is full and wants the publisher of such a message refused.
    func refuses(octets: Int, limits: MailboxLimits) -> Bool {
        state.withLock { state in
            let limits = state.mailboxTerms?.limits ?? limits
            return state.mailbox.refuses(octets: octets, limits.bounds(isAwake: state.isAwake))
        }
    }

    /// Takes a delivery at QoS 0 back.
    /// - Returns: whether the session still exists; an owner to be woken.
    func giveBack(_ delivery: Delivery) -> (isKept: Bool, wake: (any SessionOwner)?) {
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
        var wake: (any SessionOwner)?
        /// The next delivery can be taken when this is committed.
        var awaitedCommit: CommitPoint?
    }

    func take(
        _ limit: Int, epoch: UInt32, now: Timestamp, limits: MailboxLimits, into deliveries: inout [Delivery]
    ) -> (TakeResult, DrainEffects) {
        state.withLock { state in
            var effects = DrainEffects()
            guard state.epoch == epoch, state.attachment != nil else { return (.drained, effects) }
            let result = state.mailbox.take(limit, now: now, into: &deliveries)
            state.isArmed = result == .drained
            effects.awaitedCommit = state.mailbox.awaitedCommit
            if state.mailbox.waitingCount <= limits.reliefMark {
                state.isStalled = false
                state.hasReportedDrop = false
                swap(&effects.relieved, &state.heldBack)
            }
            return (result, effects)
        }
    }

    func settle(_ packetID: UInt16, _ settlement: Settlement, epoch: UInt32) -> (Bool, DrainEffects) {
        state.withLock { state in
            guard state.epoch == epoch, state.attachment != nil else { return (false, DrainEffects()) }
            let settled = state.mailbox.settle(packetID, settlement)
            // Settling may open the window for what waits.
            return (settled, DrainEffects(wake: settled ? state.ownerToWake() : nil))
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
            state.heldBack.append(publisher)
            return true
        }
    }

    /// Gives up on this mailbox draining soon: it holds nobody back until it has.
    func stall() -> [SessionAttachment] {
        state.withLock { state in
            state.isStalled = true
            var released: [SessionAttachment] = []
            swap(&released, &state.heldBack)
            return released
        }
    }
}

extension MailboxLimits {
    func bounds(isAwake: Bool) -> Mailbox.Bounds {
        Mailbox.Bounds(
            messages: isAwake ? onlineMessages : offlineMessages, octets: octets, policy: policy,
            keepsLatestOnly: policy == .latestOnly && !isAwake)
    }

    /// Waiting messages from which on publishers are held back.
    var pressureMark: Int { max(1, onlineMessages / 4) }
    /// Waiting messages at which they go on.
    var reliefMark: Int { onlineMessages / 8 }
}
