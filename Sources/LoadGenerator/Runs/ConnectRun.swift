import MQTTCodec

/// Connects, waits for CONNACK, says DISCONNECT and begins anew, n at a time.
final class ConnectRun: ClientRole {
    private let atOnce: Int
    private let settings: LoadSettings
    private let loop: LoadLoop
    private let connector: Connector
    private let progress: ProgressReport
    /// When each connection that is not open yet began.
    private var begun: [ObjectIdentifier: UInt64] = [:]
    /// Connections that are through and make room in this turn.
    private var through: [Client] = []
    private var started = 0
    private var opened = 0
    private var quota = 0
    private var latency = LatencyHistogram()

    init(_ atOnce: Int, _ settings: LoadSettings, progress: ProgressReport) throws(LoadError) {
        self.atOnce = atOnce
        self.settings = settings
        self.progress = progress
        loop = try LoadLoop(inboxOctets: 1 << 16)
        connector = try Connector(settings, on: loop)
        loop.endOfTurn = { [unowned self] () throws(LoadError) in try replace() }
    }

    func run() throws(LoadError) -> RunResult {
        let start: Sample
        let end: Sample
        switch settings.extent {
        case .time(let warmUp, let measured):
            progress.timed("connecting", on: loop, for: warmUp + measured)
            quota = .max
            try begin()
            try loop.run(until: Clock.now() + warmUp.nanoseconds)
            latency = LatencyHistogram()
            start = try sample()
            try loop.run(until: Clock.now() + measured.nanoseconds)
            end = try sample()
            quota = 0
            try awaitRest()
        case .messages(let count):
            start = try sample()
            quota = count
            try begin()
            try awaitRest()
            end = try sample()
        }
        var result = try RunResult("connect", count: atOnce, from: start, to: end, settings: settings)
        result.unit = "connection"
        result.tell(latency, of: "connect to CONNACK")
        return result
    }

    private func begin() throws(LoadError) { for _ in 0..<atOnce { try connect() } }

    private func connect() throws(LoadError) {
        guard started < quota else { return }
        let client = try connector.single(self, named: "c", started)
        started += 1
        begun[ObjectIdentifier(client)] = Clock.now()
    }

    private func awaitRest() throws(LoadError) {
        try loop.run(for: "CONNACK", patience: settings.patience.nanoseconds) { begun.isEmpty && started >= quota }
    }

    func opened(_ client: Client, _ answer: ConnAck) {
        opened += 1
        if let begun = begun.removeValue(forKey: ObjectIdentifier(client)) {
            latency.record(nanoseconds: loop.now - min(loop.now, begun))
        }
        through.append(client)
    }

    private func replace() throws(LoadError) {
        let clients = through
        through.removeAll(keepingCapacity: true)
        for client in clients {
            client.disconnect()
            try connect()
        }
    }

    private func sample() throws(LoadError) -> Sample { try Sample(operations: opened, broker: settings.broker) }
}
