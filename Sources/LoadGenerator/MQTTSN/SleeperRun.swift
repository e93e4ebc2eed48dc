import MQTTCodec

/// n MQTT-SN nodes that sleep, are written to and wake: what each costs a gateway.
///
/// Their messages come from an MQTT client of the same broker.
final class SleeperRun {
    /// Nodes that are there before measuring, so that code and first buffers are in place.
    private static let before = 100
    /// Time the gateway gets to tidy up before its memory is looked at.
    private static let settling = Duration.seconds(1)
    private static let writers = 4

    private let count: Int
    private let backlog: Int
    private let settings: LoadSettings
    private let loop: LoadLoop
    private let connector: Connector
    private let gateway: ResolvedAddress
    private let progress: ProgressReport
    private let nodes: NodeCrowd
    private let first: NodeCrowd

    /// - Parameters:
    ///   - backlog: messages that wait for each node when it wakes.
    ///   - port: of the gateway's UDP socket.
    init(
        _ count: Int, backlog: Int, port: Int, _ settings: LoadSettings, progress: ProgressReport
    ) throws(LoadError) {
        self.count = count
        self.backlog = backlog
        self.settings = settings
        self.progress = progress
        loop = try LoadLoop(inboxOctets: 1 << 18 + 2 * settings.payloadOctets)
        connector = try Connector(settings, on: loop)
        gateway = try ResolvedAddress(host: settings.host, port: port)
        nodes = NodeCrowd(settings, on: loop)
        first = NodeCrowd(settings, on: loop)
    }

    /// - Returns: falling asleep, waking for nothing, storing for sleepers, and waking for what was stored.
    func run() throws(LoadError) -> [RunResult] {
        defer {
            connector.disconnectAll()
            nodes.endAll()
            first.endAll()
        }
        var results = [try fallAsleep(), try wake("wake", unit: "wake without messages")]
        if backlog > 0 {
            results.append(try store())
            var fetched = try wake("fetch", unit: "wake with \(backlog) messages")
            fetched.lost = count * backlog - nodes.distinct
            fetched.doubled = nodes.doubled
            fetched.outOfOrder = nodes.outOfOrder
            results.append(fetched)
        }
        progress.phase("leaving")
        for crowd in [nodes, first] { try crowd.all(for: "DISCONNECT") { $0.leave() } }
        return results
    }

    private func fallAsleep() throws(LoadError) -> RunResult {
        progress.phase("falling asleep")
        let topic = { [prefix = settings.prefix] number in "\(prefix)/n/\(PublishTemplate.digits(number))" }
        try first.add(Self.before, name: connector.name("first"), topic: { topic($0 + count) }, at: gateway)
        try first.all(for: "nodes to fall asleep") { $0.start() }
        try nodes.add(count, name: connector.name("node"), topic: topic, at: gateway)
        try settle()
        let residentBefore = try settings.broker?.residentOctets()
        var result = try measure("sleep", unit: "node that falls asleep") { () throws(LoadError) in
            try nodes.all(for: "nodes to fall asleep") { $0.start() }
        }
        try settle()
        result.brokerResidentOctets = try settings.broker?.residentOctets()
        result.tellGrowth(since: residentBefore, for: count)
        return result
    }

    private func wake(_ name: String, unit: String) throws(LoadError) -> RunResult {
        progress.phase("waking")
        var result = try measure(name, unit: unit) { () throws(LoadError) in
            try nodes.all(for: "PINGRESP") { $0.fetch() }
        }
        result.tell(nodes.latency, of: "PINGREQ to PINGRESP")
        return result
    }

    private func store() throws(LoadError) -> RunResult {
        progress.phase("storing")
        var result = try measure("store", unit: "message stored", operations: count * backlog) { () throws(LoadError) in
            for number in 0..<backlog { try write(UInt64(number)) }
        }
        result.published = count * backlog
        return result
    }

    /// One message to each node.
    private func write(_ number: UInt64) throws(LoadError) {
        connector.disconnectAll()
        let writers = TopicWriter.share(count, among: Self.writers) { topics in
            TopicWriter(topics, of: "\(settings.prefix)/n/{}", number: number, window: 100, settings: settings)
        }
        let clients = try connector.connect(writers, named: "writer")
        for (writer, client) in zip(writers, clients) { writer.begin(client) }
        try loop.run(for: "acknowledgements", patience: settings.patience.nanoseconds) { writers.allSatisfy(\.isDone) }
    }

    private func measure(
        _ name: String, unit: String, operations: Int? = nil, _ body: () throws(LoadError) -> Void
    ) throws(LoadError) -> RunResult {
        let repeatedBefore = nodes.repeated
        let start = try Sample(operations: 0, broker: settings.broker)
        try body()
        let end = try Sample(operations: operations ?? count, broker: settings.broker)
        var result = try RunResult("mqttsn \(name)", count: count, from: start, to: end, settings: settings)
        result.unit = unit
        result.protocolName = "MQTT-SN 1.2"
        result.repeated = nodes.repeated - repeatedBefore
        return result
    }

    private func settle() throws(LoadError) { try loop.run(until: Clock.now() + Self.settling.nanoseconds) }
}
