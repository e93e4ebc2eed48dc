import Messaging
import Synchronization

/// Something that comes due. Whether it still matters is looked up then. One pointer each, as every sleeper has one.
enum Deadline {
    case silence(SessionAttachment)
    case session(Session)
    case will(Session)
    /// A client that slept when the process before ended should have woken by now.
    case sleeper(Session)
    indirect case retained(TopicName)
    indirect case delayed(DelayedMessages.ID)
}

extension CoreBroker {
    /// Does what has come due: lost clients, wills, ended sessions, expired retained messages, publishers held back too long.
    /// To be called every tenth of a second, from one thread.
    package func tick() {
        let now = clock.now()
        for deadline in deadlines.withLock({ $0.removeDue(at: now) }) {
            switch deadline {
            case .silence(let attachment): checkSilence(of: attachment, now: now)
            case .session(let session): endIfExpired(session)
            case .will(let session): publishDueWill(of: session)
            case .sleeper(let session): giveUp(session, now: now)
            case .retained(let topic): removeRetainedIfExpired(topic, now: now)
            case .delayed(let id): publishDelayed(id)
            }
        }
        releaseOverdueHoldBacks(now: now)
        if store != nil, now.nanoseconds >= totalsDueAt.load(ordering: .relaxed) {
            totalsDueAt.store((now + Self.totalsInterval).nanoseconds, ordering: .relaxed)
            recordTotals()
        }
    }

    /// Begins or renews the supervision of a client's silence.
    func watchSilence(of attachment: SessionAttachment) {
        let silentAt = attachment.silentAt
        deadlines.withLock { queue in
            if attachment.beginWatch(at: silentAt) { queue.insert(.silence(attachment), at: silentAt) }
        }
    }

    /// A client that slept through a restart has not woken: it is lost. Its will and the end of its session have deadlines of
    /// their own, counted from here.
    private func giveUp(_ session: Session, now: Timestamp) {
        let isLost = session.state.withLock { state in
            guard state.attachment == nil, !state.hasEnded, state.silentAt <= now else { return false }
            state.silentAt = .never
            record(session, &state)
            return true
        }
        if isLost { events.record(.closed(session.clientID, .silence)) }
    }

    /// A client silent for too long is lost (MQTT-3.1.2-22; MQTT-SN 1.2, 6.13, 6.14).
    private func checkSilence(of attachment: SessionAttachment, now: Timestamp) {
        guard deadlines.withLock({ _ in attachment.endWatch(at: now) }) else { return }
        let silentAt = attachment.silentAt
        guard attachment.isCurrent, silentAt != .never else { return }
        guard silentAt <= now else { return watchSilence(of: attachment) }
        guard release(attachment, reason: .lost, expiry: nil) else { return }
        events.record(.closed(attachment.clientID, .silence))
        attachment.close(.silence)
    }
}
