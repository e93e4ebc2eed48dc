import Foundation
import Messaging
import TestKit
import Testing

@testable import Telemetry

@Suite struct GatewayMetricsTests {
    private static var snapshot: GatewaySnapshot {
        var snapshot = GatewaySnapshot()
        snapshot.clients = ClientCounts(
            connected: 2, accepted: 9, refusedByReason: [(.badCredentials, 3), (.notAuthorized, 0)])
        snapshot.broker.sessions = 4
        var mqtt = TrafficReading(listener: "mqtt.tcp")
        mqtt.attached = 2
        mqtt.received.add(10, qos: .atLeastOnce)
        mqtt.sent.add(20, qos: .atMostOnce)
        mqtt.refused[.tooLarge] = 5
        snapshot.broker.traffic = [mqtt, TrafficReading(listener: TrafficReading.ownListener)]
        snapshot.connections = [
            ConnectionReading(listener: "mqtt.tcp", transport: "tcp", open: 3, accepted: 7, overLimit: 1)
        ]
        snapshot.broker.ledger.accepted = 6
        snapshot.broker.ledger.delivered = 4
        snapshot.broker.ledger[dropped: .mailboxFull] = 2
        var mailboxes = HistogramReading(bounds: [0, 1, 10])
        for depth in [0.0, 0, 7, 11] { mailboxes.observe(depth) }
        snapshot.broker.mailboxMessages = mailboxes
        snapshot.gateways = [
            ("mqtt", [CounterReading(name: "bytes_received", value: 5)]),
            ("coap", [CounterReading(name: "bytes_received", value: 6), CounterReading(name: "requests", value: 1)]),
        ]
        var times = HistogramReading(bounds: [0.001])
        times.observe(0.5)
        snapshot.store = StoreReport(
            durability: .disk, isFailing: true, changes: 8, batches: 2, failures: 1, deliveriesWritten: 3,
            octetsWritten: 4_120,
            commitTime: times, repairs: 1, rowsLost: [CounterReading(name: "session", value: 7)])
        snapshot.loopDelays = [times, times]
        return snapshot
    }

    private func read() throws -> Exposition {
        try Exposition(
            GatewayMetrics(snapshot: Self.snapshot, process: .current(), version: "1.2.3", startedAt: 1_700_000_000)
                .text)
    }

    @Test(arguments: [
        ("apus_connections", ["listener": "mqtt.tcp", "transport": "tcp"], 3.0),
        ("apus_connections_refused_total", ["listener": "mqtt.tcp", "transport": "tcp"], 1),
        ("apus_clients", ["listener": "mqtt.tcp"], 2), ("apus_clients_refused_total", ["reason": "bad_credentials"], 3),
        ("apus_sessions", [:], 4), ("apus_messages_received_total", ["listener": "mqtt.tcp", "qos": "1"], 1),
        ("apus_messages_sent_total", ["listener": "mqtt.tcp", "qos": "0"], 1),
        ("apus_messages_received_bytes_total", ["listener": "mqtt.tcp"], 10),
        ("apus_messages_sent_bytes_total", ["listener": "mqtt.tcp"], 20),
        ("apus_messages_refused_total", ["listener": "mqtt.tcp", "reason": "too_large"], 5),
        ("apus_copies_accepted_total", [:], 6), ("apus_copies_dropped_total", ["reason": "mailbox_full"], 2),
        ("apus_mailboxes", ["messages": "0"], 2), ("apus_mailboxes", ["messages": "1"], 0),
        ("apus_mailboxes", ["messages": "2-10"], 1), ("apus_mailboxes", ["messages": "11-"], 1),
        ("apus_gateway_bytes_received_total", ["gateway": "coap"], 6), ("apus_store_failing", [:], 1),
        ("apus_store_durability_info", ["level": "disk"], 1), ("apus_store_commit_seconds_count", [:], 1),
        ("apus_store_repairs_total", [:], 1), ("apus_store_rows_lost_total", ["table": "session"], 7),
        ("apus_event_loop_delay_seconds_bucket", ["loop": "1", "le": "+Inf"], 1),
        ("apus_build_info", ["version": "1.2.3"], 1), ("process_start_time_seconds", [:], 1_700_000_000),
    ])
    func eachFigureHasItsMetric(name: String, labels: [String: String], value: Double) throws {
        #expect(try read()[name, labels] == value)
    }

    @Test func theProcessIsMeasured() throws {
        let exposition = try read()
        #expect(try #require(exposition["process_resident_memory_bytes"]) > 1_000_000)
        #expect(try #require(exposition["process_cpu_seconds_total"]) > 0)
        let descriptors = try #require(exposition["process_open_fds"])
        #expect(descriptors >= 3 && descriptors <= exposition["process_max_fds"] ?? 0)
    }

    /// Who sent and what it was about is nobody's business here, and would make as many series as there are clients.
    @Test func noLabelNamesAClientOrATopic() throws {
        let names = Set(try read().values.keys.flatMap(\.labels.keys))
        #expect(
            names == [
                "listener", "transport", "qos", "reason", "messages", "gateway", "level", "le", "loop", "version",
                "table",
            ])
    }

    /// Every metric stands in the README, and the README has no others.
    @Test func theReadmeHasThemAll() throws {
        let families = GatewayMetrics(snapshot: Self.snapshot, process: .current(), version: "1", startedAt: 0).families
        let names = Set(families.filter { !$0.samples.isEmpty }.map(\.name).filter { !$0.hasPrefix("apus_gateway_") })
        let readme = try String(
            contentsOfFile: BuiltProducts.repository + "/Sources/Telemetry/README.md", encoding: .utf8)
        let written = readme.matches(of: /`((?:apus|process)_[a-z_]+)[`{]/).map { String($0.1) }
        #expect(Set(written).subtracting(["apus_gateway_"]) == names)
    }
}
