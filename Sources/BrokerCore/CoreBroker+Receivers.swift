import Messaging
import Synchronization

/// Who gets a message.
extension CoreBroker {
    /// Finds the receivers of a message.
    func match(
        firstOf messages: borrowing MessageBatch, _ routing: borrowing Routing, _ scratch: inout RouteScratch
    ) {
        // MQTT-3.3.2-3, MQTT-4.5.0-1
        let run = scratch.runs.first
        if run.isForNobody { return scratch.forgetReceivers() }
        if run.isMatched {
            routing.index.match(run, into: &scratch.matches)
        } else {
            routing.index.match(messages[0].octetsInPlace.topic, into: &scratch.matches)
        }
        for place in scratch.matches.groups.indices {
            let member = routing.index.pick(
                from: scratch.matches.groups[place], by: features.shareStrategy, for: messages[0]
            ) { subscriber in
                routing.sessions[Int(subscriber)]?.isListening.load(ordering: .relaxed) == true
            }
            scratch.matches.append(member)
        }
        merge(firstOf: messages, routing, &scratch)
    }

    /// One entry per receiver: where several subscriptions of a session match, the highest QoS counts and all
    /// identifiers are told (MQTT 5.0, 3.3.4; MQTT-3.3.4-2, MQTT-3.3.4-3). What comes by a shared subscription is a copy of its
    /// own, with the identifier of that subscription (MQTT 5.0, 4.8.2; MQTT-3.3.4-5).
    private func merge(
        firstOf messages: borrowing MessageBatch, _ routing: borrowing Routing, _ scratch: inout RouteScratch
    ) {
        scratch.merged.empty()
        let mayRepeat = scratch.matches.mayRepeat
        if mayRepeat { scratch.beginStamp(subscribers: routing.sessions.count) }
        for match in scratch.matches.entries.indices {
            let entry = scratch.matches.entries[match]
            if entry.options.isConditional, isLeftOut(messages[0], for: entry, routing) { continue }
            let isShared = entry.share != ShareGroups.none
            if mayRepeat, !isShared, let position = scratch.position(of: entry.subscriber) {
                scratch.merged[position].qos = max(scratch.merged[position].qos, entry.options.qos)
                scratch.merged[position].retainAsPublished =
                    scratch.merged[position].retainAsPublished || entry.options.retainAsPublished
                scratch.merged[position].subscriptionIDs.insert(entry.identifier)
                continue
            }
            if mayRepeat, !isShared { scratch.note(entry.subscriber, at: scratch.merged.count) }
            scratch.merged.append(RouteScratch.Merged(entry))
        }
    }

    /// Whether no-local or the receiver's rights leave it out.
    func isLeftOut(
        _ message: Message, for entry: SubscriptionIndex.Recipient, _ routing: borrowing Routing
    ) -> Bool {
        guard let session = routing.sessions[Int(entry.subscriber)] else { return true }
        if entry.options.noLocal, message.isPublished(by: session.clientID) { return true }  // MQTT-3.8.3-3
        guard entry.options.isPartial else { return false }
        return !mayReceive(message, session.state.withLock { $0.principal })
    }
}
