import MQTTCodec

/// One row of results.
package struct RunResult: Codable, Sendable, Equatable {
    /// The scenario, and the phase of it where it has several: `pairs`, `retained store`.
    package var name: String
    /// With its version: `MQTT 5`.
    package var protocolName: String
    package var qos: Int
    package var payloadOctets: Int
    /// Clients, subscriptions or retained messages, whatever the scenario counts.
    package var count: Int
    /// Messages each publisher keeps on the way; 0 where there is no such thing.
    package var window: Int

    /// Of the measured time, or of the whole run where messages were counted.
    package var seconds: Double
    /// What was measured in that time: messages delivered, or whatever else `unit` says.
    package var operations: Int
    package var unit = "delivered message"
    /// Of the broker, for each operation; nil without `--pid`, and where it was busy for less than its clock shows.
    package var brokerMicroseconds: Double?
    /// Of the generator itself, for each operation.
    package var generatorMicroseconds: Double
    /// Resident memory of the broker at the end.
    package var brokerResidentOctets: Int?
    /// Growth of that for each of `count`, where the scenario measures it.
    package var octetsEach: Double?
    package var latency: LatencySummary?
    /// What `latency` is of.
    package var latencyOf: String?

    /// Of the whole run, warm-up included.
    package var published = 0
    package var lost = 0
    package var doubled = 0
    package var outOfOrder = 0
    /// Requests sent again because no answer had come, where a protocol does that.
    package var repeated = 0

    package var perSecond: Double { seconds > 0 ? Double(operations) / seconds : 0 }
    package var isFlawless: Bool { lost == 0 && doubled == 0 && outOfOrder == 0 }
}

/// What is looked at when a measured time begins and when it ends.
struct Sample {
    var time: UInt64
    var operations: Int
    var generatorTime: UInt64
    var brokerTime: UInt64?

    init(operations: Int, broker: BrokerProcess?) throws(LoadError) {
        self.operations = operations
        brokerTime = try broker?.processorTime()
        generatorTime = Clock.threadProcessorTime()
        time = Clock.now()
    }
}

extension RunResult {
    /// What happened between two samples.
    init(
        _ name: String, count: Int, window: Int = 0, from start: Sample, to end: Sample, settings: LoadSettings
    ) throws(LoadError) {
        let operations = end.operations - start.operations
        func microseconds(_ time: UInt64) -> Double { Double(time) / 1_000 / Double(max(1, operations)) }
        self.name = name
        protocolName = "MQTT \(settings.version.name)"
        qos = Int(settings.qos.rawValue)
        payloadOctets = settings.payloadOctets
        self.count = count
        self.window = window
        seconds = Double(end.time - start.time) / 1e9
        self.operations = operations
        generatorMicroseconds = microseconds(end.generatorTime - start.generatorTime)
        if let before = start.brokerTime, let after = end.brokerTime, after > before {
            brokerMicroseconds = microseconds(after - before)
        }
        brokerResidentOctets = try settings.broker?.residentOctets()
    }

    /// - Parameter what: completes "latency of".
    mutating func tell(_ histogram: LatencyHistogram, of what: String) {
        latency = LatencySummary(histogram)
        latencyOf = latency == nil ? nil : what
    }

    /// What the broker's memory has grown by for each of `count`.
    /// - Parameter before: its memory before; nil when it is not measured.
    mutating func tellGrowth(since before: Int?, for count: Int) {
        guard let before, let now = brokerResidentOctets else { return }
        octetsEach = Double(now - before) / Double(max(1, count))
    }
}
