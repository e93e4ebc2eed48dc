/// How far a run has come, for a progress bar.
package struct LoadProgress: Sendable, Equatable {
    package var phase: String
    /// 0...1; nil while it is not known.
    package var share: Double?

    package init(phase: String, share: Double? = nil) {
        self.phase = phase
        self.share = share
    }
}

/// Tells whoever wants to know, five times a second at most.
struct ProgressReport {
    private static let interval = Clock.seconds(0.2)
    let tell: @Sendable (LoadProgress) -> Void

    /// A phase begins whose end is not known.
    func phase(_ name: String) { tell(LoadProgress(phase: name, share: nil)) }

    /// A phase begins that lasts for `duration`.
    func timed(_ name: String, on loop: LoadLoop, for duration: Duration) {
        let begin = Clock.now()
        let total = Double(max(1, duration.nanoseconds))
        counted(name, on: loop) { [unowned loop] in min(1, Double(loop.now - min(loop.now, begin)) / total) }
    }

    /// A phase begins that knows how far it has come.
    func counted(_ name: String, on loop: LoadLoop, share: @escaping () -> Double) {
        var next: UInt64 = 0
        loop.onTurn = { [tell] now in
            guard now >= next else { return }
            next = now + Self.interval
            tell(LoadProgress(phase: name, share: share()))
        }
    }
}
