import Messaging
import Synchronization

/// What came in and went out by one listener. Counted once for a batch, whatever its size.
final class Traffic: Sendable {
    /// Messages by QoS, and octets.
    private struct Volume: Sendable {
        private let messages = [Counter(), Counter(), Counter()]
        private let octets = Counter()

        func add(_ volume: TrafficReading.Volume) {
            for qos in QoS.allCases where volume[qos] > 0 { messages[Int(qos.rawValue)].add(volume[qos]) }
            if volume.octets > 0 { octets.add(volume.octets) }
        }

        var reading: TrafficReading.Volume {
            var reading = TrafficReading.Volume()
            for qos in QoS.allCases { reading[qos] = messages[Int(qos.rawValue)].current }
            reading.octets = octets.current
            return reading
        }
    }

    let listener: String
    /// Place in the table.
    let index: Int
    private let received = Volume()
    private let sent = Volume()
    private let refused = PublishRefusal.allCases.map { ($0, Counter()) }

    fileprivate init(listener: String, index: Int) {
        self.listener = listener
        self.index = index
    }

    /// Counts a batch by what became of it.
    func count(_ accepted: TrafficReading.Volume, _ outcomes: ArraySlice<PublishOutcome>) {
        received.add(accepted)
        guard accepted.messages < outcomes.count else { return }
        for case .refused(let refusal) in outcomes { refused.first { $0.0 == refusal }?.1.add() }
    }

    /// Counts what was handed over to be sent.
    func count(_ deliveries: ArraySlice<Delivery>) {
        guard !deliveries.isEmpty else { return }
        var volume = TrafficReading.Volume()
        let deliveries = deliveries.span
        for index in deliveries.indices where deliveries[index].step == .publish {
            volume.add(deliveries[index].message.octets, qos: deliveries[index].qos)
        }
        sent.add(volume)
    }

    var reading: TrafficReading {
        var reading = TrafficReading(listener: listener)
        reading.received = received.reading
        reading.sent = sent.reading
        for (refusal, counter) in refused where counter.current > 0 { reading.refused[refusal] = counter.current }
        return reading
    }
}

/// The listeners that anything came by.
final class TrafficTable: Sendable {
    private let listeners = Mutex<[Traffic]>([])
    /// Messages nobody subscribed to: one copy accepted and dropped each.
    let unrouted = Counter()

    /// That of one listener. There are few, so looking through them is quicker than hashing.
    subscript(listener: String) -> Traffic {
        listeners.withLock { listeners in
            if let known = listeners.first(where: { $0.listener == listener }) { return known }
            let new = Traffic(listener: listener, index: listeners.count)
            listeners.append(new)
            return new
        }
    }

    var readings: [TrafficReading] { listeners.withLock { $0 }.map(\.reading) }
}
