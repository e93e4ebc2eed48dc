import Synchronization

/// Joins a call that may be answered before it returns with an answer that may come later from another thread: whoever
/// comes second carries on.
///
///     running ── put ──▶ filled ── takeOrDetach ──▶ value, handled by the caller
///        └── takeOrDetach ──▶ detached ── put ──▶ true, handled by who puts
final class AnswerSlot<Value: Sendable>: Sendable {
    private enum State {
        case running
        case filled(Value)
        case detached
        case done
    }

    private let state = Mutex(State.running)

    /// Gives the value; only the first one counts.
    /// - Returns: whether the caller has gone on without it, so it has to be handled here.
    func put(_ value: Value) -> Bool {
        state.withLock { state in
            switch state {
            case .running:
                state = .filled(value)
                return false
            case .detached:
                state = .done
                return true
            case .filled, .done:
                return false
            }
        }
    }

    /// The value, or nil, and then it comes later.
    func takeOrDetach() -> Value? {
        state.withLock { state in
            switch state {
            case .filled(let value):
                state = .done
                return value
            case .running:
                state = .detached
                return nil
            case .detached, .done:
                return nil
            }
        }
    }
}
