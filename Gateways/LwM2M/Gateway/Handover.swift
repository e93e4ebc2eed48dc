import Synchronization

/// A result that may arrive before or after the one who asked for it has gone on.
final class Handover<Value: Sendable>: Sendable {
    enum Arrival {
        /// The asker is still there and will take it.
        case inTime
        /// The asker has gone on: whoever brings the result must see to it.
        case late
    }

    private enum State {
        case waiting
        case arrived(Value)
        case detached
    }

    private let state = Mutex(State.waiting)

    func arrived(_ value: Value) -> Arrival {
        state.withLock { state in
            if case .detached = state { return .late }
            state = .arrived(value)
            return .inTime
        }
    }

    /// The result if it is there; otherwise it will be late.
    func takeOrDetach() -> Value? {
        state.withLock { state in
            defer { state = .detached }
            if case .arrived(let value) = state { return value }
            return nil
        }
    }
}
