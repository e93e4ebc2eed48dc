import Messaging
import Synchronization

/// A store that lost rows with a damaged file is told again what the core has in memory. What the file had of queues and for gateways is
/// not among that.
extension CoreBroker {
    func storeAgain() {
        for session in sessions.withLock({ Array($0.all) }) { storeAgain(session) }
        storeRetainedAgain()
        storeDelayedAgain()
    }

    private func storeAgain(_ session: Session) {
        // Held until all is appended, so that the end of a subscription comes behind it.
        routing.read { routing in
            guard routing.holds(session) else { return }
            let subscriptions = routing.index.subscriptions(of: session.subscriber)
            session.state.withLock { state in
                record(session, &state)
                recordBelongings(of: session, &state, subscriptions)
            }
        }
    }

    private func storeRetainedAgain() {
        retained.withLock { retained in
            retained.forEach { message in
                guard durability.level(of: message) != .memory else { return }
                _ = store?.append(.putRetained(message, expiresAt: clock.wallClock(at: message.expiresAt)))
            }
        }
    }

    private func storeDelayedAgain() {
        delayed.withLock { delayed in
            for (id, entry) in delayed.all where entry.isStored { _ = store?.append(.putDelayed(record(entry, id))) }
        }
    }
}
