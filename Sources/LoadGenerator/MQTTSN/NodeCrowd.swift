import MQTTCodec

/// Many nodes that do the same, a bounded number at a time: a gateway's socket buffer takes only so many datagrams.
final class NodeCrowd: NodeOwner {
    private static let atOnce = 64
    /// Silence after which a node asks again.
    private static let retryInterval = Clock.seconds(0.3)

    private let loop: LoadLoop
    private let settings: LoadSettings
    private var nodes: [Node] = []
    private var checks: [SequenceCheck] = []
    private var operation: (Node) -> Void = { _ in }
    private var next = 0
    private var done = 0
    private var nextRetry: UInt64 = 0
    private(set) var latency = LatencyHistogram()
    private(set) var messages = 0

    init(_ settings: LoadSettings, on loop: LoadLoop) {
        self.settings = settings
        self.loop = loop
    }

    var count: Int { nodes.count }
    var repeated: Int { nodes.reduce(0) { $0 + $1.repeated } }
    var doubled: Int { checks.reduce(0) { $0 + $1.doubled } }
    var outOfOrder: Int { checks.reduce(0) { $0 + $1.outOfOrder } }
    var distinct: Int { checks.reduce(0) { $0 + $1.distinct } }

    /// - Parameter name: beginning of the nodes' client ids.
    func add(
        _ count: Int, name: String, topic: (Int) -> String, at gateway: ResolvedAddress
    ) throws(LoadError) {
        for number in 0..<count {
            nodes.append(
                try Node(
                    number, identifier: "\(name)-\(number)", topic: topic(number), purpose: .sleeper,
                    qos: settings.qos.rawValue, at: gateway, owner: self, on: loop))
            checks.append(SequenceCheck())
        }
    }

    /// Tells each node to do something, and returns when all have done it.
    /// - Parameter what: completes "waited in vain for".
    func all(for what: String, _ operation: @escaping (Node) -> Void) throws(LoadError) {
        self.operation = operation
        next = 0
        done = 0
        latency = LatencyHistogram()
        nextRetry = 0
        loop.endOfTurn = { [unowned self] in repeatRequests() }
        defer {
            loop.wakeAt = nil
            loop.endOfTurn = {}
        }
        for _ in 0..<min(Self.atOnce, nodes.count) { begin() }
        try loop.run(for: what, patience: settings.patience.nanoseconds) { done == nodes.count }
    }

    func endAll() {
        for node in nodes { node.end() }
        nodes = []
    }

    func finished(_ node: Node, after nanoseconds: UInt64) {
        done += 1
        latency.record(nanoseconds: nanoseconds)
        begin()
    }

    func received(_ stamp: Stamp, by node: Node) {
        messages += 1
        if Int(stamp.stream) == node.number { checks[node.number].record(stamp.number) }
    }

    private func begin() {
        guard next < nodes.count else { return }
        next += 1
        operation(nodes[next - 1])
    }

    private func repeatRequests() {
        let now = loop.now
        guard now >= nextRetry else { return }
        nextRetry = now + Self.retryInterval
        loop.wakeAt = nextRetry
        for node in nodes { node.repeatRequest(olderThan: Self.retryInterval, at: now) }
    }
}
