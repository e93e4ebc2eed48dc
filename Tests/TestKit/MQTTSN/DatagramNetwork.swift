package import Messaging

/// A network that loses, doubles, delays and reorders datagrams, in the same way for the same seed.
package struct DatagramNetwork<Envelope> {
    /// What goes wrong, as shares of all datagrams.
    package struct Faults: Sendable {
        package var loss: Double
        package var duplication: Double
        /// Datagrams delayed by up to `longestDelay` instead of `usualDelay`, so that later ones overtake them.
        package var reordering: Double
        package var usualDelay = Duration.milliseconds(50)
        package var longestDelay = Duration.seconds(2)

        /// - Parameter percent: share of each fault.
        package init(percent: Int) {
            loss = Double(percent) / 100
            duplication = loss
            reordering = loss
        }
    }

    private let faults: Faults
    private var generator: SeededGenerator
    private var inFlight: [(arrival: Timestamp, envelope: Envelope)] = []
    package private(set) var sent = 0
    package private(set) var lost = 0
    package private(set) var doubled = 0

    package init(_ faults: Faults, seed: UInt64) {
        self.faults = faults
        generator = SeededGenerator(seed: seed)
    }

    package mutating func send(_ envelope: Envelope, now: Timestamp) {
        sent += 1
        guard !happens(faults.loss) else {
            lost += 1
            return
        }
        inFlight.append((now + delay(), envelope))
        guard happens(faults.duplication) else { return }
        doubled += 1
        inFlight.append((now + delay(), envelope))
    }

    /// What arrives up to now, in the order of arrival.
    package mutating func arrivals(now: Timestamp) -> [Envelope] {
        guard inFlight.contains(where: { $0.arrival <= now }) else { return [] }
        let arrived = inFlight.filter { $0.arrival <= now }
        inFlight.removeAll { $0.arrival <= now }
        return arrived.sorted { $0.arrival < $1.arrival }.map(\.envelope)
    }

    private mutating func happens(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &generator) < share }

    private mutating func delay() -> Duration {
        guard happens(faults.reordering) else { return faults.usualDelay }
        return .milliseconds(Int64.random(in: 0...faults.longestDelay.wholeNanoseconds / 1_000_000, using: &generator))
    }
}
