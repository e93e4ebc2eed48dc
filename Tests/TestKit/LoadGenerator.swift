package import MQTTCodec
import NIOCore
import NIOPosix

/// Many MQTT publishers and subscribers against one broker, every message numbered and checked.
///
/// Publisher n publishes to `load/n`; subscriber n receives the publishers n and n + 1, so every message has two receivers.
package struct LoadGenerator: Sendable {
    package var port: Int
    package var pairs: Int
    package var qos: QoS
    package var duration: Duration
    /// Messages each publisher keeps on the way.
    package var window = 16

    package static let receiversPerMessage = 2

    package init(port: Int, pairs: Int, qos: QoS, duration: Duration) {
        self.port = port
        self.pairs = pairs
        self.qos = qos
        self.duration = duration
    }

    /// Runs the load, waits until everything that was published has arrived or nothing more comes, and reports.
    package func run() async throws -> LoadReport {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let report = Shared(LoadReport())
        for number in 0..<pairs {
            let filters = (0..<min(Self.receiversPerMessage, pairs)).map { "load/\((number + $0) % pairs)" }
            try await connect("load-sub-\(number)", LoadSubscriber(filters: filters, qos: qos), group, report)
        }
        try await wait(report, 30, "all subscriptions") { $0.subscribersReady == pairs }
        let deadline = NIODeadline.now() + .nanoseconds(Int64(duration / .nanoseconds(1)))
        for number in 0..<pairs {
            let role = LoadPublisher(
                publisher: UInt32(number), topic: "load/\(number)", qos: qos, window: window, deadline: deadline)
            try await connect("load-pub-\(number)", role, group, report)
        }
        let streams = pairs * min(Self.receiversPerMessage, pairs)
        try await wait(report, Int(duration.components.seconds) + 60, "all last messages") { $0.streamsEnded >= streams }
        report.change { $0.isOver = true }
        try await group.shutdownGracefully()
        return report.read { $0 }
    }

    private func connect<Role: LoadRole>(
        _ clientID: String, _ role: Role, _ group: MultiThreadedEventLoopGroup, _ report: Shared<LoadReport>
    ) async throws {
        _ = try await ClientBootstrap(group: group)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        LoadHandler(clientID: clientID, role: role, report: report))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    private func wait(
        _ report: Shared<LoadReport>, _ seconds: Int, _ what: String, until condition: @escaping @Sendable (LoadReport) -> Bool
    ) async throws {
        let came: Bool? = await report.wait(within: .seconds(seconds)) { now in
            condition(now) || !now.failures.isEmpty ? true : nil
        }
        guard came != nil else {
            throw Program.Missing(description: "the load generator waited in vain for \(what): \(report.read { $0 })")
        }
    }
}
