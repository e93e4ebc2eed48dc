import DequeModule
import Messaging

/// What waits for one session and what is on the way to it, all topics in one order (MQTT-4.6.0-5, MQTT-4.6.0-6). Offline queue, sleeping client's buffer and in-flight window
/// are this one thing seen at different moments.
///
///     put ──▶ waiting ──take──▶ delivered                      (QoS 0)
///                │     ──take──▶ on the way ──settle──▶ delivered | dropped   (QoS 1, 2)
///                └▶ expired, dropped                 ▲ resent on a new connection
///
/// A value without lock or clock of its own: `Session` guards it and passes the time in. Not copyable, as are all values that a lock
/// guards here: a copy made by the way would count references in each field.
struct Mailbox: ~Copyable {
    /// What is next, in memory.
    var waiting = WaitingQueue()
    /// What waits behind it, most of it in the store.
    var tail = MailboxTail()
    private(set) var window = DeliveryWindow()
    /// Most deliveries on the way at once, and octets from which on none is added: who acknowledges nothing holds no more.
    var receiveMaximum = UInt16.max
    /// The session ends with its connection, and its adapter asks for nothing again: what has been sent is never sent again (MQTT-4.4.0-1), so
    /// its message is not held until it is settled. Not of share groups, where another member gets it.
    private var forgetsSent = false
    var octetsOnTheWay = UInt32.max
    private var nextSequence: UInt64 = 1
    var waitingOctets = 0
    var ledger = MailboxLedger()
    /// Set for sessions that outlive the process.
    var recorder: Recorder?
    /// What the last `take` stopped at, if it is to be waited for.
    private var awaited = CommitPoint.none
    /// When the last confirmation of a receiver (PUBREC) is stored.
    private var releaseCommit = CommitPoint.none

    /// What the last `take` stopped at: the point at which the next delivery is stored.
    var awaitedCommit: CommitPoint? { awaited == .none ? nil : awaited }

    /// What waits and is not in the store alone.
    var inMemoryCount: Int { waiting.count }
    var waitingCount: Int { waiting.count + tail.count }
    var backlog: Int { waitingCount + window.count }
    var isEmpty: Bool { backlog == 0 }

    /// Whether `take` would yield something now.
    var hasTakeable: Bool {
        if window.mayResend(within: Int(receiveMaximum)) { return true }
        guard !waiting.isEmpty else { return canGoOn }
        return waiting[0].qos == .atMostOnce || isWindowOpen
    }

    /// One more delivery may be on the way.
    var isWindowOpen: Bool { window.count < Int(receiveMaximum) && window.octets < Int(octetsOnTheWay) }

    /// The account of this mailbox. Balanced at any moment, as every method below leaves it so.
    var account: DropLedger { ledger.account(queued: backlog) }

    // MARK: Arriving

    @inline(__always)
    mutating func put(
        _ message: consuming Message, _ outline: MessageOutline, durability: Durability = .disk, qos: QoS,
        retain: Bool, subscriptionIDs: SubscriptionIDs, share: ShareGroups.GroupID = ShareGroups.none, bounds: Bounds
    ) -> PutResult {
        ledger.accepted += 1
        let octets = outline.octets
        guard bounds.messages > 0, octets <= bounds.octets else { return dropArrival() }
        if bounds.keepsLatestOnly { supersede(message.topic) }
        let isBeyondShare = bounds.memoryShare != .max && isBeyondShare(octets, bounds)
        if isBeyondShare, !mayStore(qos, durability, share), !bounds.keepsPromise(qos) {
            ledger[dropped: .memoryFull] += 1
            return .beyondShare
        }
        var madeRoom = false
        while waitingCount >= bounds.messages || waitingOctets + octets > bounds.octets {
            if bounds.keepsPromise(qos) { break }
            guard makeRoom(bounds.policy) else { return dropArrival() }
            madeRoom = true
        }
        waitingOctets += octets
        let expiresAt = min(outline.expiresAt, bounds.waitsUntil)
        var commit = CommitPoint.none
        // Two ways, so that on the one that most take the entry is made where it is to lie.
        if tail.count == 0, qos == .atMostOnce || durability == .memory || recorder == nil {
            waiting.append(
                Entry(
                    message: message, sequence: takeSequence(qos), qos: qos, retain: retain, share: share,
                    subscriptionIDs: subscriptionIDs, expiresAt: expiresAt))
        } else {
            let entry = Entry(
                message: message, sequence: takeSequence(qos), qos: qos, retain: retain, share: share,
                subscriptionIDs: subscriptionIDs, expiresAt: expiresAt)
            commit = append(entry, durability, mayLeaveMemory: isBeyondShare || waiting.count >= bounds.inMemory)
        }
        return madeRoom ? .dropped(commit, makesRoom: true) : .queued(commit)
    }

    /// Whether `count` messages may be put in by `append`, because they find room and there is nothing to decide for each.
    func takesWhole(_ count: Int, octets: Int, _ durability: Durability, _ bounds: Bounds) -> Bool {
        tail.count == 0 && (durability == .memory || recorder == nil) && !bounds.keepsLatestOnly
            && bounds.memoryShare == .max && waiting.count + count <= bounds.messages
            && waitingOctets + octets <= bounds.octets
    }

    /// Puts in a message of which `takesWhole` has been asked.
    @inline(__always)
    mutating func append(
        _ message: consuming Message, _ outline: MessageOutline, qos: QoS, retain: Bool,
        subscriptionIDs: SubscriptionIDs,
        share: ShareGroups.GroupID, waitsUntil: Timestamp
    ) {
        ledger.accepted += 1
        waitingOctets += outline.octets
        waiting.append(
            Entry(
                message: message, sequence: takeSequence(qos), qos: qos, retain: retain, share: share,
                subscriptionIDs: subscriptionIDs, expiresAt: min(outline.expiresAt, waitsUntil)))
    }

    private mutating func takeSequence(_ qos: QoS) -> UInt64 {
        guard qos != .atMostOnce else { return 0 }
        defer { nextSequence += 1 }
        return nextSequence
    }

    /// Adds what the store gets, too, or what has its place behind what the store has.
    /// - Returns: the point at which the store has it.
    @inline(never)
    private mutating func append(_ entry: Entry, _ durability: Durability, mayLeaveMemory: Bool) -> CommitPoint {
        var entry = entry
        if entry.qos != .atMostOnce { record(&entry, durability) }
        if tail.count > 0 || entry.isStored && mayLeaveMemory { tail.append(entry) } else { waiting.append(entry) }
        return entry.commit
    }

    /// Counts what waits or is on the way and does not lie in the store alone. Asked only where memory is tight.
    @inline(never)
    private func isBeyondShare(_ octets: Int, _ bounds: Bounds) -> Bool {
        waitingOctets - tail.stubOctets + window.octets + octets > bounds.memoryShare
    }

    /// Whether the store takes it and is the only one that needs it. Asked only where memory is tight.
    @inline(never)
    private func mayStore(_ qos: QoS, _ durability: Durability, _ share: ShareGroups.GroupID) -> Bool {
        recorder != nil && qos != .atMostOnce && durability != .memory && share == ShareGroups.none
    }

    private mutating func record(_ entry: inout Entry, _ durability: Durability) {
        guard durability != .memory, let commit = recorder?.enqueue(entry, durability) else { return }
        entry.isStored = true
        entry.commit = commit
    }

    /// Whether the publisher of a message of QoS 1 or 2 is to be refused. One that would not fit into the empty mailbox is not: it
    /// would be refused for ever.
    mutating func refuses(octets: Int, _ bounds: Bounds) -> Bool {
        guard bounds.policy == .rejectPublisher, octets <= bounds.octets,
            waitingCount >= bounds.messages || waitingOctets + octets > bounds.octets || isBeyondShare(octets, bounds)
        else { return false }
        ledger.refused += 1
        return true
    }

    /// Counts a copy that is not even offered to the mailbox.
    mutating func reject(_ reason: DropReason) {
        ledger.accepted += 1
        ledger[dropped: reason] += 1
    }

    private mutating func dropArrival() -> PutResult {
        ledger[dropped: .mailboxFull] += 1
        return .dropped(.none, makesRoom: false)
    }

    // MARK: Leaving

    /// - Parameter now: asked for by what may have expired only.
    mutating func take(
        _ limit: Int, now: @autoclosure () -> Timestamp, into deliveries: inout [Delivery]
    ) -> TakeResult {
        var room = limit
        awaited = .none
        if window.toResend > 0, mustWait(releaseCommit) { return .later }
        while window.toResend > 0,
            let (identifier, entry, isReleased) = room > 0 ? window.nextToResend(within: Int(receiveMaximum)) : nil
        {
            deliveries.append(
                entry.delivery(
                    packetID: identifier, isDuplicate: !isReleased, step: isReleased ? .release : .publish))
            room -= 1
        }
        repeat {
            while !waiting.isEmpty {
                guard waiting[0].expiresAt == .never || waiting[0].expiresAt > now() else {  // MQTT-3.3.2-5
                    forget(waiting.removeFirst())
                    ledger.expired += 1
                    continue
                }
                guard room > 0 else { return .more }
                room -= 1
                guard waiting[0].qos != .atMostOnce else {
                    ledger.delivered += 1
                    let entry = waiting.removeFirst()
                    waitingOctets -= entry.message.octets
                    deliveries.append((consume entry).leave())
                    continue
                }
                // A message that must not arrive twice is not sent before it is stored: after a crash its publisher sends it
                // again, and it would get another identifier.
                if waiting[0].qos == .exactlyOnce, mustWait(waiting[0].commit) { return .later }
                guard isWindowOpen, window.hasRoom(for: waiting[0].packetID) else { return .drained }
                deliveries.append(sendFirst())  // MQTT-4.3.2-2, MQTT-4.3.3-2
            }
        } while moveWhole()
        if window.mayResend(within: Int(receiveMaximum)) { return .more }
        return tail.count > 0 && isWindowOpen ? .later : .drained
    }

    private mutating func mustWait(_ point: CommitPoint) -> Bool {
        guard let recorder, !recorder.isCommitted(point) else { return false }
        awaited = point
        return true
    }

    /// Puts the first entry, of QoS 1 or 2, on the way, under its packet identifier (MQTT-4.3.2-1, MQTT-4.3.3-1). Only when the window has room
    /// (MQTT-3.3.4-9, MQTT-4.9.0-2). What has left does not expire any more (MQTT-4.3.3-7, MQTT-4.3.3-13).
    private mutating func sendFirst() -> Delivery {
        if forgetsSent, !waiting[0].isStored, waiting[0].share == ShareGroups.none { return sendFirstForGood() }
        let delivery = waiting[0].delivery(packetID: waiting[0].packetID)
        let octets = delivery.message.octets
        waitingOctets -= octets
        if waiting[0].isStored { recorder?.sent(waiting[0].sequence, packetID: delivery.packetID) }
        window.append(waiting.removeFirst(), delivery.packetID, octets: octets)
        return delivery
    }

    /// As `sendFirst`, and its message is held no more.
    @inline(never)
    private mutating func sendFirstForGood() -> Delivery {
        let entry = waiting.removeFirst()
        let (packetID, octets) = (entry.packetID, entry.message.octets)
        waitingOctets -= octets
        window.append(forgotten: entry.qos, packetID, octets: octets)
        return (consume entry).leave(packetID: packetID)
    }

    /// As `settle` with `.acknowledged`.
    mutating func acknowledge(_ packetID: UInt16) -> Bool {
        guard let slot = window.removeFirst(acknowledging: packetID) else { return settle(packetID, .acknowledged) }
        hasLeft(slot)
        ledger.delivered += 1
        return true
    }

    mutating func settle(_ packetID: UInt16, _ settlement: Settlement) -> Bool {
        guard let slot = window.standing(of: packetID) else { return false }
        switch (settlement, slot.qos, slot.isReleased) {
        case (.acknowledged, .atLeastOnce, _), (.completed, .exactlyOnce, true):  // MQTT-4.3.2-3, MQTT-4.3.3-5
            end(packetID)
            ledger.delivered += 1
        case (.received, .exactlyOnce, _):  // MQTT-4.3.3-3
            window.release(packetID)
            if slot.isStored { releaseCommit = recorder?.released(slot.sequence, packetID: packetID) ?? .none }
        case (.refused, _, false):  // MQTT-4.4.0-2; of a shared subscription, too (MQTT-4.8.2-6)
            end(packetID)
            ledger[dropped: .refusedByReceiver] += 1
        case (.returned, _, _):
            window.markForResending(packetID)
        default:
            return false
        }
        return true
    }

    /// The adapter could not send a taken delivery.
    mutating func discard(_ delivery: Delivery, reason: DropReason) {
        if delivery.packetID == 0 {
            ledger.delivered -= 1
        } else {
            guard window.standing(of: delivery.packetID) != nil else { return }
            end(delivery.packetID)
        }
        ledger[dropped: reason] += 1
    }

    /// A taken delivery at QoS 0 was not sent after all: it is the next to be taken. The mailbox may hold one more than its
    /// bound for that.
    mutating func giveBack(_ delivery: Delivery) {
        ledger.delivered -= 1
        waiting.prepend(
            Entry(
                message: delivery.message, sequence: 0, qos: .atMostOnce, retain: delivery.retain,
                subscriptionIDs: delivery.subscriptionIDs, expiresAt: delivery.message.expiresAt))
        waitingOctets += delivery.message.octets
    }

    mutating func end(_ packetID: UInt16) {
        if let slot = window.remove(packetID) { hasLeft(slot) }
    }

    private mutating func hasLeft(_ slot: borrowing DeliveryWindow.Slot) {
        let standing = slot.standing
        if standing.isStored { recorder?.dequeue(standing.sequence) }
    }

    mutating func forget(_ entry: Entry) {
        waitingOctets -= entry.message.octets
        if entry.isStored { recorder?.dequeue(entry.sequence) }
    }

    // MARK: Connections and the end

    /// A new connection: what was on the way is sent again first (MQTT-4.4.0-1), but for what was not held because the session was to end.
    /// - Parameter forgetsSent: nothing this connection is sent is ever sent again.
    mutating func reconnect(receiveMaximum: Int, octetsOnTheWay: Int = .max, forgetsSent: Bool = false) {
        self.receiveMaximum = UInt16(clamping: receiveMaximum)
        self.octetsOnTheWay = UInt32(clamping: octetsOnTheWay)
        if self.forgetsSent { ledger[dropped: .sessionEnded] += UInt64(window.removeForgotten()) }
        self.forgetsSent = forgetsSent
        window.markAllForResending()
    }

    /// Takes out, and out of the account, what came by one of `groups` and may go to another member: everything that waits,
    /// and what is on the way at QoS 1. A delivery at QoS 2 that has begun goes to nobody else (MQTT-4.8.2-5).
    /// To be followed by `clear`.
    mutating func removeOrphans(of groups: Set<ShareGroups.GroupID>) -> [Entry] {
        guard !groups.isEmpty else { return [] }
        var orphans: [Entry] = []
        for (packetID, slot) in window.slotsByIdentifier
        where slot.qos == .atLeastOnce {
            guard let entry = slot.entry, groups.contains(entry.share) else { continue }
            window.remove(packetID)
            orphans.append(entry)
        }
        orphans += waiting.removeAll { groups.contains($0.share) }
        orphans += tail.removeWhole { groups.contains($0.share) }
        ledger.accepted -= UInt64(orphans.count)
        return orphans
    }

    /// The receiver will be away for a while: an empty mailbox does not hold the memory it once needed.
    mutating func forgetRoom() {
        guard isEmpty else { return }
        waiting = WaitingQueue()
        window.forgetRoom()
        tail.forgetRoom()
    }

    /// The session has ended; what is left counts as dropped.
    mutating func clear() {
        ledger[dropped: .sessionEnded] += UInt64(backlog)
        waiting = WaitingQueue()
        tail = MailboxTail()
        window = DeliveryWindow()
        waitingOctets = 0
    }

    /// Writes everything to the store, for a session that outlives the process from now on.
    mutating func record(with recorder: Recorder) {
        self.recorder = recorder
        for slot in window.slotsOnTheWay {
            guard var entry = slot.entry else { continue }
            let packetID = entry.packetID
            record(&entry, .disk)
            window.markStored(packetID, commit: entry.commit)
            self.recorder?.sent(entry.sequence, packetID: packetID)
            if slot.isReleased {
                releaseCommit = self.recorder?.released(entry.sequence, packetID: packetID) ?? .none
            }
        }
        for index in waiting.indices where waiting[index].qos != .atMostOnce {
            var entry = waiting[index]
            record(&entry, .disk)
            waiting[index] = entry
        }
    }

    /// Puts back what the store kept, oldest first.
    mutating func restore(_ stored: StoredSession, with recorder: Recorder) {
        self.recorder = recorder
        for record in stored.queue {
            let entry = recorder.entry(record)
            nextSequence = max(nextSequence, record.sequence + 1)
            if record.packetID != 0, window.restore(entry, released: record.released) { continue }
            waiting.append(entry)
            waitingOctets += record.message.octets
        }
        let kept = tail.restore(stored.rest)
        for delivery in stored.rest.prefix(kept) { waitingOctets += delivery.octets }
        for delivery in stored.rest.dropFirst(kept) { recorder.dequeue(delivery.sequence) }
        nextSequence = max(nextSequence, (stored.rest.last?.sequence ?? 0) + 1)
        let lost = UInt64(stored.rest.count - kept)
        ledger[dropped: .unreadable] += lost
        ledger.accepted += UInt64(backlog) + lost
    }
}
