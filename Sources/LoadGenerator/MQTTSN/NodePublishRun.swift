import MQTTCodec

/// n MQTT-SN nodes that are awake and publish, to one MQTT client: what a message costs a gateway. A node sends the next message
/// when the last one is acknowledged, or, at QoS 0, has arrived.
final class NodePublishRun: NodeOwner, ClientRole {
    private static let retryInterval = Clock.seconds(1)

    private let count: Int
    private let settings: LoadSettings
    private let loop: LoadLoop
    private let connector: Connector
    private let gateway: ResolvedAddress
    private let progress: ProgressReport
    private var nodes: [Node] = []
    private var checks: [SequenceCheck]
    /// Messages each node has sent.
    private var sent: [UInt64]
    private var payload: [UInt8]
    private var isSubscribed = false
    private var arrived = 0
    /// Messages that may still be sent.
    private var quota = 0
    private var nextRetry: UInt64 = 0
    private var latency = LatencyHistogram()

    init(_ count: Int, port: Int, _ settings: LoadSettings, progress: ProgressReport) throws(LoadError) {
        self.count = count
        self.settings = settings
        self.progress = progress
        loop = try LoadLoop(inboxOctets: 1 << 18 + 2 * settings.payloadOctets)
        connector = try Connector(settings, on: loop)
        gateway = try ResolvedAddress(host: settings.host, port: port)
        checks = [SequenceCheck](repeating: SequenceCheck(), count: count)
        sent = [UInt64](repeating: 0, count: count)
        payload = [UInt8](repeating: 0x61, count: max(Stamp.size, settings.payloadOctets))
        loop.endOfTurn = { [unowned self] in repeatRequests() }
    }

    func run() throws(LoadError) -> RunResult {
        defer {
            connector.disconnectAll()
            for node in nodes { node.end() }
        }
        try connect()
        let (start, end) =
            switch settings.extent {
            case .time(let warmUp, let measured): try publish(warmUp: warmUp, measured: measured)
            case .messages(let messages): try publish(messages: messages)
            }
        var result = try RunResult("mqttsn publish", count: count, from: start, to: end, settings: settings)
        result.protocolName = "MQTT-SN 1.2"
        result.repeated = nodes.reduce(0) { $0 + $1.repeated }
        if settings.qos != .atMostOnce { result.tell(latency, of: "PUBLISH to PUBACK") }
        result.published = Int(sent.reduce(0, +))
        result.lost = result.published - checks.reduce(0) { $0 + $1.distinct }
        result.doubled = checks.reduce(0) { $0 + $1.doubled }
        result.outOfOrder = checks.reduce(0) { $0 + $1.outOfOrder }
        for node in nodes { node.leave() }
        return result
    }

    // MARK: Phases

    private func connect() throws(LoadError) {
        progress.phase("connecting")
        let patience = settings.patience.nanoseconds
        let listener = try connector.connect([self], named: "listener")
        let filter = Subscribe.Filter("\(settings.prefix)/p/+", qos: settings.qos)
        for client in listener { client.send(.subscribe(Subscribe(1, filters: [filter]))) }
        try loop.run(for: "SUBACK", patience: patience) { isSubscribed }
        for number in 0..<count {
            let node = try Node(
                number, identifier: "\(connector.name("p"))-\(number)", topic: "\(settings.prefix)/p/\(number)",
                purpose: .publisher, qos: settings.qos.rawValue, at: gateway, owner: self, on: loop)
            nodes.append(node)
            node.start()
        }
        try loop.run(for: "REGACK", patience: patience) { nodes.allSatisfy { $0.state == .ready } }
    }

    private func publish(warmUp: Duration, measured: Duration) throws(LoadError) -> (Sample, Sample) {
        progress.timed("publishing", on: loop, for: warmUp + measured)
        quota = .max
        for node in nodes { publish(node) }
        try loop.run(until: Clock.now() + warmUp.nanoseconds)
        latency = LatencyHistogram()
        let start = try sample()
        try loop.run(until: Clock.now() + measured.nanoseconds)
        let end = try sample()
        quota = 0
        try awaitRest()
        return (start, end)
    }

    private func publish(messages: Int) throws(LoadError) -> (Sample, Sample) {
        let start = try sample()
        quota = messages
        for node in nodes { publish(node) }
        try awaitRest()
        return (start, try sample())
    }

    private func awaitRest() throws(LoadError) {
        do {
            try loop.run(for: "the last messages", patience: settings.patience.nanoseconds) {
                quota == 0 && arrived >= Int(sent.reduce(0, +)) && nodes.allSatisfy { $0.state == .ready }
            }
        } catch .stalled {}
    }

    private func sample() throws(LoadError) -> Sample { try Sample(operations: arrived, broker: settings.broker) }

    private func publish(_ node: Node) {
        guard quota > 0 else { return }
        quota -= 1
        let number = sent[node.number]
        sent[node.number] += 1
        Stamp(publisher: UInt32(node.number), stream: UInt32(node.number), number: number, ordinal: number)
            .write(into: &payload, at: 0)
        node.publish(payload)
    }

    private func repeatRequests() {
        let now = loop.now
        guard now >= nextRetry else { return }
        nextRetry = now + Self.retryInterval
        loop.wakeAt = nextRetry
        for node in nodes { node.repeatRequest(olderThan: Self.retryInterval, at: now) }
    }

    // MARK: What the nodes and the listener hear

    func finished(_ node: Node, after nanoseconds: UInt64) {
        // The first time it has connected.
        guard sent[node.number] > 0 else { return }
        latency.record(nanoseconds: nanoseconds)
        publish(node)
    }

    func received(_ stamp: Stamp, by node: Node) {}

    func received(_ packet: Packet, by client: Client) { isSubscribed = packet.type == .suback || isSubscribed }

    func received(_ delivery: Delivery, by client: Client) {
        guard let stamp = delivery.stamp, checks.indices.contains(Int(stamp.stream)),
            checks[Int(stamp.stream)].record(stamp.number)
        else { return }
        arrived += 1
        if settings.qos == .atMostOnce { publish(nodes[Int(stamp.stream)]) }
    }
}
