import Messaging
import Synchronization

/// What other threads have to tell a `GatewayLoop`: taken down under a lock, worked off once per loop turn.
final class NoteList: Sendable {
    enum Note: Sendable {
        case opened(serial: UInt64, Result<Connected, ConnectRefusal>)
        case wake(serial: UInt64)
        case closed(serial: UInt64, CloseReason)
        case authenticated(Result<Principal, ConnectRefusal>, Message, listener: String)
        case proving(serial: UInt64, AuthenticationStep)
    }

    private struct State {
        var notes: [Note] = []
        var isScheduled = false
    }

    private let state = Mutex(State())
    private let schedule: @Sendable () -> Void

    /// - Parameter schedule: arranges for the notes to be worked off soon, on the loop; called once until they are taken.
    init(schedule: @escaping @Sendable () -> Void) {
        self.schedule = schedule
    }

    func add(_ note: Note) {
        let isFirst = state.withLock { state in
            state.notes.append(note)
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if isFirst { schedule() }
    }

    /// Exchanges what has come in for `notes`, which is emptied and whose storage is used again.
    func take(into notes: inout [Note]) {
        notes.removeAll(keepingCapacity: true)
        state.withLock { state in
            swap(&state.notes, &notes)
            state.isScheduled = false
        }
    }
}

/// What the core has to say to connections, which it knows by their serials.
extension NoteList: SessionOwner {
    func wake(_ serial: UInt64) { add(.wake(serial: serial)) }
    func close(_ serial: UInt64, _ reason: CloseReason) { add(.closed(serial: serial, reason)) }
}
