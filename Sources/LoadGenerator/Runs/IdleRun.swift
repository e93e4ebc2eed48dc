/// n connections that say nothing: what each costs the broker's memory.
final class IdleRun {
    /// Connections that are there before measuring, so that code and first buffers of the broker are in place.
    private static let before = 100
    /// Time the broker gets to tidy up before it is looked at.
    private static let settling = Duration.seconds(1)

    private let count: Int
    private let settings: LoadSettings
    private let loop: LoadLoop
    private let connector: Connector
    private let progress: ProgressReport

    init(_ count: Int, _ settings: LoadSettings, progress: ProgressReport) throws(LoadError) {
        self.count = count
        self.settings = settings
        self.progress = progress
        loop = try LoadLoop(inboxOctets: 1 << 16)
        connector = try Connector(settings, on: loop)
    }

    func run() throws(LoadError) -> RunResult {
        defer { connector.disconnectAll() }
        progress.phase("connecting")
        try connector.connect(roles(Self.before), named: "first")
        try settle()
        let residentBefore = try settings.broker?.residentOctets()
        let start = try Sample(operations: 0, broker: settings.broker)
        try connector.connect(roles(count), named: "idle")
        let end = try Sample(operations: count, broker: settings.broker)
        try settle()
        var result = try RunResult("idle", count: count, from: start, to: end, settings: settings)
        result.unit = "connection opened"
        result.tellGrowth(since: residentBefore, for: count)
        return result
    }

    private func roles(_ count: Int) -> [any ClientRole] { (0..<count).map { _ in SilentRole() } }

    private func settle() throws(LoadError) { try loop.run(until: Clock.now() + Self.settling.nanoseconds) }
}
