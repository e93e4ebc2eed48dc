import Synchronization

/// How far the process is in its life.
final class ServicePhase: Sendable {
    enum Phase: UInt8, AtomicRepresentable { case starting, serving, stopping }

    private let phase = Atomic<Phase>(.starting)

    var current: Phase { phase.load(ordering: .relaxed) }

    /// From here on all listeners serve.
    func serve() { phase.store(.serving, ordering: .relaxed) }

    func stop() { phase.store(.stopping, ordering: .relaxed) }
}
