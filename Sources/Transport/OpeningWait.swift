import NIOCore

/// A handler's wait for the end of its layer's opening. It ends once, with an outcome or at a deadline, and hands that over.
final class OpeningWait<Outcome> {
    private let deadline: NIODeadline
    /// Adds the handlers that come next when the outcome is a good one; else the connection is closed after it.
    private let whenDone: (any Channel, Outcome) throws -> Void
    private var timer: Scheduled<Void>?
    private(set) var isOver = false

    init(deadline: NIODeadline, whenDone: @escaping (any Channel, Outcome) throws -> Void) {
        self.deadline = deadline
        self.whenDone = whenDone
    }

    func begin(_ context: ChannelHandlerContext, whenLate: @escaping () -> Void) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline, whenLate)
    }

    /// - Parameter isGood: the connection goes on.
    /// - Returns: whether it does, and this was the end.
    func end(_ outcome: Outcome, isGood: Bool, _ context: ChannelHandlerContext) -> Bool {
        guard !isOver else { return false }
        isOver = true
        cancel()
        do {
            try whenDone(context.channel, outcome)
            if isGood { return true }
        } catch {}
        context.close(promise: nil)
        return false
    }

    func cancel() { timer?.cancel() }
}
