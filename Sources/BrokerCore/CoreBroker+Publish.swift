package import Messaging
import Synchronization

extension CoreBroker {
    package func publish(
        _ messages: [Message], as principal: Principal, via listener: String, outcomes: inout [PublishOutcome]
    ) {
        let first = outcomes.count
        var batch = MessageBatch()
        spareBatch.withLock { swap(&$0, &batch) }
        for message in messages { batch.append(message) }
        let accepted = route(&batch, as: principal, publisher: nil, outcomes: &outcomes)
        spareBatch.withLock { swap(&$0, &batch) }
        traffic[listener].count(accepted, outcomes[first...])
    }

    /// Routes a batch: checks, retained messages, then one look at the index for all. What the batch asks for beyond that
    /// (waking owners, holding the publisher back) is done after the lock is given back.
    /// - Returns: what was accepted.
    func route(
        _ messages: inout MessageBatch, as principal: Principal, publisher: SessionAttachment?,
        outcomes: inout [PublishOutcome]
    ) -> TrafficReading.Volume {
        together {
            routeInGroup(&messages, as: principal, publisher: publisher, hasPublisher: true, outcomes: &outcomes)
        }
    }

    /// Runs `body`; what it records is committed together or not at all. Does not nest.
    func together<Result>(_ body: () -> Result) -> Result {
        guard hasStore, let store else { return body() }
        store.beginGroup()
        defer { store.endGroup() }
        return body()
    }

    /// `route` for a caller that has more to record together with the messages.
    /// - Parameters:
    ///   - isRewritten: the topics have been through the rewrite rules already.
    ///   - hasPublisher: somebody waits for the outcomes, who can be refused.
    /// - Returns: what was accepted.
    @discardableResult
    func routeInGroup(
        _ messages: inout MessageBatch, as principal: Principal, publisher: SessionAttachment?,
        isRewritten: Bool = false, hasPublisher: Bool = false, outcomes: inout [PublishOutcome]
    ) -> TrafficReading.Volume {
        let pass = PublishPass(
            principal: principal, lane: publisher?.session.lane.load(ordering: .relaxed) ?? 0,
            level: durability.topics.isEmpty ? publisher?.durability ?? durability.general : nil,
            listenerLevel: publisher?.durability,
            mayRefuse: hasPublisher && principal.kind != .gateway && mayRefuse.load(ordering: .relaxed),
            memoryShare: memoryShare.load(ordering: .relaxed), isStoreFailing: hasStore && store?.isFailing == true)
        if !isRewritten { rewrite(&messages, principal) }
        let place = scratches.withLock { $0.popLast() } ?? RouteScratch.Place()
        route(&messages, pass, &place.scratch, &outcomes)
        let accepted = place.scratch.accepted
        finish(&place.scratch, publisher: publisher)
        scratches.withLock { $0.append(place) }
        return accepted
    }

    private func route(
        _ messages: inout MessageBatch, _ pass: PublishPass, _ scratch: inout RouteScratch,
        _ outcomes: inout [PublishOutcome]
    ) {
        routing.read { routing in
            while !messages.isEmpty {
                if scratch.runs.isEmpty {
                    scratch.runs.find(in: messages)
                    routing.index.matchAhead(messages, &scratch.runs, &scratch.recent)
                }
                let count = messages.count
                routeRun(of: &messages, pass, routing, &scratch, &outcomes)
                scratch.runs.pass(count - messages.count)
            }
        }
    }

    /// Routes the first message and its neighbours of the same topic, which is how devices send: they are checked and matched
    /// once, and put into each mailbox under one lock.
    private func routeRun(
        of messages: inout MessageBatch, _ pass: PublishPass, _ routing: borrowing Routing,
        _ scratch: inout RouteScratch, _ outcomes: inout [PublishOutcome]
    ) {
        if let outcome = decision(onFirstOf: messages, pass.principal) {
            let first = messages.takeFirst()
            if case .accepted = outcome { scratch.accepted.add(first.octets, qos: first.qos) }
            return outcomes.append(outcome)
        }
        if routeAlone(&messages, pass, routing, &scratch, &outcomes) { return }
        match(firstOf: messages, routing, &scratch)
        let isAlone = isAlone(firstOf: messages, pass, scratch)
        let level = level(ofFirstOf: messages, pass)
        if scratch.merged.isEmpty, messages[0].retain {
            return outcomes.append(keep(firstOf: &messages, level, pass, routing, &scratch))
        }
        let neighbours = isAlone ? 1 : scratch.runs.first.messages
        var count = 0
        repeat {
            outcomes.append(accept(messages, at: count, level, pass, routing, &scratch, place: outcomes.count))
            count += 1
        } while count < neighbours && messages[count].payloadCount <= limits.payloadOctets
        let rest = messages.count - count
        deliver(&messages, level, pass, routing, &scratch, &outcomes)
        while messages.count > rest { _ = messages.takeFirst() }
    }

    /// Routes the first message if it is one that goes to one receiver and has no neighbours: from the batch into the mailbox, with nothing
    /// collected in between.
    /// - Returns: whether it is.
    private func routeAlone(
        _ messages: inout MessageBatch, _ pass: PublishPass, _ routing: borrowing Routing,
        _ scratch: inout RouteScratch, _ outcomes: inout [PublishOutcome]
    ) -> Bool {
        guard scratch.runs.first.messages == 1, let list = scratch.runs.first.onlyList,
            let entry = routing.index.only(in: list), !entry.options.isConditional,
            !pass.mayRefuse, !pass.isStoreFailing, !messages[0].retain
        else { return false }
        let level = level(ofFirstOf: messages, pass)
        let outline = MessageOutline(messages[0])
        scratch.accepted.add(outline.octets, qos: outline.qos)
        var commit = CommitPoint.none
        let rest = messages.count - 1
        routing.withSession(at: entry.subscriber) { session in
            let put = session.put(
                firstOf: &messages, outline, by: entry, durability: level, memoryShare: pass.memoryShare,
                limits: limits.mailbox, clock: clock)
            commit = put.commit
            scratch.note(put.effects, of: session)
        }
        if messages.count > rest { _ = messages.takeFirst() }  // the session is no more
        outcomes.append(.accepted(receivers: 1, commit: commit))
        return true
    }

    /// Whether what holds for this message need not hold for the next: shared subscriptions take turns, mailboxes fill up, a reserved
    /// name may mean something.
    private func isAlone(
        firstOf messages: borrowing MessageBatch, _ pass: PublishPass, _ scratch: borrowing RouteScratch
    ) -> Bool {
        pass.mayRefuse || messages[0].isReserved || !scratch.matches.groups.isEmpty
    }

    /// What is decided before anybody is looked for; nil for a message that is to be delivered.
    private func decision(onFirstOf messages: borrowing MessageBatch, _ principal: Principal) -> PublishOutcome? {
        guard messages[0].payloadCount <= limits.payloadOctets else { return .refused(.tooLarge) }
        guard !Levels.areMore(than: limits.topicLevels, in: messages[0].octetsInPlace.topic) else {
            return .refused(.topicNotAllowed)
        }
        if messages[0].isReserved, let outcome = admitReserved(messages[0], principal) { return outcome }
        guard isRestricted else { return nil }  // asked here, where no reference is counted for it
        return mayPublish(messages[0], principal) ? nil : .refused(.notAuthorized)
    }

    /// The promise its acknowledgement makes. Few go by topic; for the others no reference is counted.
    private func level(ofFirstOf messages: borrowing MessageBatch, _ pass: PublishPass) -> Durability {
        if let level = pass.level, !messages[0].isReserved { return level }
        return durability.level(of: messages[0], listenerLevel: pass.listenerLevel)
    }

    /// Keeps a message that is to be retained and adds it to those that go into mailboxes; or refuses it before anybody has it.
    /// - Parameters:
    ///   - index: of the message in the batch.
    ///   - place: of its outcome in the batch.
    private func accept(
        _ messages: borrowing MessageBatch, at index: Int, _ level: Durability, _ pass: PublishPass,
        _ routing: borrowing Routing, _ scratch: inout RouteScratch, place: Int
    ) -> PublishOutcome {
        if pass.isStoreFailing, isRefused(messages[index], level, routing, scratch) { return .refused(.quotaExceeded) }
        if pass.mayRefuse, isRefused(messages[index], pass, routing, scratch) { return .refused(.receiverFull) }
        var commit = CommitPoint.none
        if messages[index].retain {
            guard let point = retain(messages[index]) else { return .refused(.quotaExceeded) }
            commit = point
        }
        let outline = MessageOutline(messages[index])
        scratch.accepted.add(outline.octets, qos: outline.qos)
        scratch.run.append(RouteScratch.Arrival(message: index, place: place, outline: outline, commit: commit))
        return .accepted(receivers: scratch.merged.count, commit: commit)
    }

    /// Keeps a message that is to be retained and that nobody receives: it leaves the batch, so that no reference is counted for it.
    private func keep(
        firstOf messages: inout MessageBatch, _ level: Durability, _ pass: PublishPass, _ routing: borrowing Routing,
        _ scratch: inout RouteScratch
    ) -> PublishOutcome {
        if pass.isStoreFailing, isRefused(messages[0], level, routing, scratch) {
            _ = messages.takeFirst()
            return .refused(.quotaExceeded)
        }
        let outline = MessageOutline(messages[0])
        guard let commit = retain(messages.takeFirst()) else { return .refused(.quotaExceeded) }
        scratch.accepted.add(outline.octets, qos: outline.qos)
        scratch.unrouted += 1
        return .accepted(receivers: 0, commit: commit)
    }

    /// Puts a copy of each message of the run into each receiver's mailbox; into the last one's the message itself, out of the batch.
    @inline(never)
    private func deliver(
        _ messages: inout MessageBatch, _ level: Durability, _ pass: PublishPass, _ routing: borrowing Routing,
        _ scratch: inout RouteScratch, _ outcomes: inout [PublishOutcome]
    ) {
        if scratch.merged.isEmpty { scratch.unrouted += UInt64(scratch.run.count) }
        let last = scratch.merged.count - 1
        if last > 0 { scratch.copies.begin(messages, scratch.run, lane: pass.lane, count: last) }
        for index in scratch.merged.indices {
            routing.withSession(at: scratch.merged[index].subscriber) { session in
                let lane = last < RunCopies.manyReceivers ? pass.lane : session.laneOfItsOwn ?? pass.lane
                let copies =
                    index < last
                    ? scratch.copies.start(for: lane, messages, scratch.run, count: last - index) : nil
                let effects = session.put(
                    &messages, &scratch.copies, from: copies, &scratch.run, as: scratch.merged[index],
                    durability: level, isPromised: pass.mayRefuse, memoryShare: pass.memoryShare,
                    limits: limits.mailbox, clock: clock)
                scratch.note(effects, of: session)
            }
        }
        for index in scratch.run.indices where scratch.run[index].commit != .none {
            outcomes[scratch.run[index].place] = .accepted(
                receivers: scratch.merged.count, commit: scratch.run[index].commit)
        }
        scratch.run.empty()
        if last > 0 { scratch.copies.end() }
    }

    /// Whether a message is refused because the store cannot write, and would have to.
    private func isRefused(
        _ message: Message, _ level: Durability, _ routing: borrowing Routing, _ scratch: borrowing RouteScratch
    ) -> Bool {
        guard message.qos != .atMostOnce else { return false }
        if message.retain, durability.level(of: message) != .memory { return true }
        return level != .memory && needsStore(message, routing, scratch)
    }

    /// Whether a receiver's copy would have to be stored. Refusing the whole message is the only honest answer then: its
    /// publisher could not be told that it is safe, and repeats it to everybody.
    private func needsStore(_ message: Message, _ routing: borrowing Routing, _ scratch: borrowing RouteScratch) -> Bool
    {
        scratch.merged.contains { receiver in
            receiver.qos != .atMostOnce
                && routing.sessions[Int(receiver.subscriber)]?.isDurable.load(ordering: .relaxed) == true
        }
    }

    /// Whether a receiver's mailbox is full and wants the publisher refused: then nobody gets the message, as its publisher sends
    /// it again to everybody. A copy at QoS 0 is never worth that.
    private func isRefused(
        _ message: Message, _ pass: PublishPass, _ routing: borrowing Routing, _ scratch: borrowing RouteScratch
    ) -> Bool {
        guard message.qos != .atMostOnce else { return false }
        let octets = message.octets
        return scratch.merged.contains { receiver in
            receiver.qos != .atMostOnce
                && routing.sessions[Int(receiver.subscriber)]?.refuses(
                    octets: octets, memoryShare: pass.memoryShare, limits: limits.mailbox) == true
        }
    }

    private func rewrite(_ messages: inout MessageBatch, _ principal: Principal) {
        guard principal.kind != .gateway, let rewriter = features.rewriter else { return }
        for _ in 0..<messages.count {
            let message = messages.takeFirst()
            let topic = rewriter.rewritten(message.topic, for: principal)
            messages.append(topic.map { message.renamed($0) } ?? message)
        }
    }

    private func finish(_ scratch: inout RouteScratch, publisher: SessionAttachment?) {
        if scratch.unrouted > 0 { traffic.unrouted.add(scratch.unrouted) }
        for attachment in scratch.wakes { attachment.wake() }
        for (clientID, reason) in scratch.dropping { events.record(.dropping(clientID, reason)) }
        if let publisher {
            for session in scratch.pressing { holdBack(publisher, for: session) }
        }
        scratch.clear()
    }
}

/// What holds for all messages of one pass.
private struct PublishPass {
    let principal: Principal
    /// The publisher's.
    let lane: UInt8
    /// The promise an acknowledgement makes, but for reserved topics; nil where others have promises of their own, too.
    let level: Durability?
    /// Durability that the publisher's listener asks for; nil when it does not.
    let listenerLevel: Durability?
    /// The publisher can be refused when a receiver's mailbox is full.
    let mayRefuse: Bool
    /// Octets that each mailbox may hold in memory.
    let memoryShare: Int
    let isStoreFailing: Bool
}
