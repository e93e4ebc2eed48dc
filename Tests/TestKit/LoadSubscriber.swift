import MQTTCodec
import NIOCore

/// Receives, acknowledges and checks the numbered messages of its filters.
struct LoadSubscriber: LoadRole {
    private let filters: [String]
    private let qos: QoS
    private var checks: [UInt32: SequenceCheck] = [:]
    private var endsSeen = 0
    private var isReady = false
    private var told = Totals()

    private struct Totals {
        var received = 0
        var doubled = 0
        var outOfOrder = 0
        var ends = 0
        var ready = 0
    }

    init(filters: [String], qos: QoS) {
        self.filters = filters
        self.qos = qos
    }

    mutating func begin() -> [Packet] {
        // The end message comes at QoS 1 also in a run at QoS 0.
        [.subscribe(Subscribe(1, filters: filters.map { Subscribe.Filter($0, qos: max(qos, .atLeastOnce)) }))]
    }

    mutating func receive(_ packet: Packet) -> [Packet] {
        switch packet {
        case .suback:
            isReady = true
            return []
        case .publish(let message):
            check(message)
            guard let identifier = message.packetIdentifier else { return [] }
            let answer = Acknowledgement(identifier)
            return [message.qos == .exactlyOnce ? .pubrec(answer) : .puback(answer)]
        case .pubrel(let release): return [.pubcomp(Acknowledgement(release.packetIdentifier))]
        default: return []
        }
    }

    private mutating func check(_ message: Publish) {
        guard let (publisher, number) = LoadPayload.read(message.payload) else { return }
        if number == LoadPayload.end {
            endsSeen += 1
        } else {
            checks[publisher, default: SequenceCheck()].record(number)
        }
    }

    mutating func tell(_ report: inout LoadReport) {
        var now = Totals(ends: endsSeen, ready: isReady ? 1 : 0)
        for check in checks.values {
            now.received += check.received
            now.doubled += check.doubled
            now.outOfOrder += check.outOfOrder
        }
        report.received += now.received - told.received
        report.doubled += now.doubled - told.doubled
        report.outOfOrder += now.outOfOrder - told.outOfOrder
        report.streamsEnded += now.ends - told.ends
        report.subscribersReady += now.ready - told.ready
        told = now
    }
}
