/// Stores n retained messages, reads one of them after the other, and clears them away.
final class RetainedRun {
    /// Clients that store, and clients that read.
    private static let clients = 10
    /// Share of n stored before measuring, so that first buffers and tables are in place.
    private static let before = 20

    private let count: Int
    private let window: Int
    private let settings: LoadSettings
    private let loop: LoadLoop
    private let connector: Connector
    private let progress: ProgressReport
    private let keepsMessages: Bool

    /// - Parameter keepsMessages: leaves the messages in the broker.
    init(
        _ count: Int, window: Int, keepsMessages: Bool, _ settings: LoadSettings, progress: ProgressReport
    ) throws(LoadError) {
        self.count = count
        self.window = window
        self.settings = settings
        self.keepsMessages = keepsMessages
        self.progress = progress
        loop = try LoadLoop(inboxOctets: 1 << 18 + 2 * settings.payloadOctets)
        connector = try Connector(settings, on: loop)
    }

    /// - Returns: the storing and the reading.
    func run() throws(LoadError) -> [RunResult] {
        defer { connector.disconnectAll() }
        let stored = try store()
        let read = try readBack()
        if !keepsMessages { _ = try write(count + count / Self.before, from: 0, isEmpty: true, phase: "clearing") }
        return [stored, read]
    }

    // MARK: Storing

    private func store() throws(LoadError) -> RunResult {
        _ = try write(count / Self.before, from: count, isEmpty: false, phase: "storing")
        let residentBefore = try settings.broker?.residentOctets()
        let (start, end) = try write(count, from: 0, isEmpty: false, phase: "storing")
        var result = try RunResult(
            "retained store", count: count, window: window, from: start, to: end, settings: settings)
        result.unit = "message stored"
        result.published = count
        result.tellGrowth(since: residentBefore, for: count)
        return result
    }

    /// Messages to the topics `first`, `first + 1`, …; empty ones take away what is retained there (MQTT-3.3.1-6).
    private func write(
        _ count: Int, from first: Int, isEmpty: Bool, phase: String
    ) throws(LoadError) -> (Sample, Sample) {
        connector.disconnectAll()
        let writers = TopicWriter.share(count, from: first, among: Self.clients) { topics in
            TopicWriter(
                topics, of: RetainedReader.topic(settings.prefix), window: window, isRetained: true, isEmpty: isEmpty,
                settings: settings)
        }
        let clients = try connector.connect(writers, named: "writer")
        progress.counted(phase, on: loop) {
            Double(writers.reduce(0) { $0 + $1.written }) / Double(max(1, count))
        }
        let start = try Sample(operations: 0, broker: settings.broker)
        for (writer, client) in zip(writers, clients) { writer.begin(client) }
        try loop.run(for: "acknowledgements", patience: settings.patience.nanoseconds) {
            writers.allSatisfy(\.isDone)
        }
        return (start, try Sample(operations: count, broker: settings.broker))
    }

    // MARK: Reading

    private func readBack() throws(LoadError) -> RunResult {
        connector.disconnectAll()
        let readers = (0..<Self.clients).map { index in
            RetainedReader(count: count, from: count / Self.clients * index, window: window, settings: settings)
        }
        let clients = try connector.connect(readers, named: "reader")
        func sample() throws(LoadError) -> Sample {
            try Sample(operations: readers.reduce(0) { $0 + $1.read }, broker: settings.broker)
        }
        let start: Sample
        let end: Sample
        switch settings.extent {
        case .time(let warmUp, let measured):
            progress.timed("reading", on: loop, for: warmUp + measured)
            for (reader, client) in zip(readers, clients) { reader.begin(client, quota: .max) }
            try loop.run(until: Clock.now() + warmUp.nanoseconds)
            start = try sample()
            try loop.run(until: Clock.now() + measured.nanoseconds)
            end = try sample()
            for reader in readers { reader.quota = 0 }
            try awaitRest(readers)
        case .messages(let messages):
            start = try sample()
            for (reader, client) in zip(readers, clients) { reader.begin(client, quota: messages / readers.count) }
            try awaitRest(readers)
            end = try sample()
        }
        var result = try RunResult(
            "retained read", count: count, window: window, from: start, to: end, settings: settings)
        result.unit = "message read"
        result.lost = readers.reduce(0) { $0 + $1.onTheWay }
        result.doubled = readers.reduce(0) { $0 + $1.doubled }
        return result
    }

    private func awaitRest(_ readers: [RetainedReader]) throws(LoadError) {
        do {
            try loop.run(for: "retained messages", patience: settings.patience.nanoseconds) {
                readers.allSatisfy { $0.quota == 0 && $0.onTheWay == 0 }
            }
        } catch .stalled {}
    }
}
