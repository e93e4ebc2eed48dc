import Foundation
import MQTTCodec
import TestKit
import Testing

/// What /metrics and /health say is what clients did.
@Suite struct MetricsTests {
    private static let tcp = ["listener": "mqtt.tcp"]
    /// LwM2M has a session of its own, which the counts of these tests leave out.
    private static let alone = "lwm2m.enabled=false"

    @Test func messagesAreCountedAsClientsSentAndGotThem() async throws {
        let apus = try await RunningApus(["sys_interval=1d", Self.alone])
        let subscriber = try await Mosquitto.subscribe(apus, "m/+", qos: 1)
        try await Mosquitto.publish(apus, "m/1", [1, 2, 3], qos: 1, ["--repeat", "5"])
        try await Mosquitto.publish(apus, "m/2", [1], qos: 2)
        try await Mosquitto.publish(apus, "nobody", [1], qos: 1)
        _ = try await subscriber.messages(6)
        // All is acknowledged, and the publishers have gone.
        let metrics = try await apus.metrics {
            $0.sum("apus_copies_queued") == 0 && $0["apus_clients", Self.tcp] == 1
                && $0.sum("apus_connections", Self.tcp) == 1
        }
        #expect(metrics["apus_messages_received_total", Self.tcp.merging(["qos": "1"]) { $1 }] == 6)
        #expect(metrics["apus_messages_received_total", Self.tcp.merging(["qos": "2"]) { $1 }] == 1)
        #expect(metrics["apus_messages_received_bytes_total", Self.tcp] == 41.0)
        #expect(metrics["apus_messages_sent_total", Self.tcp.merging(["qos": "1"]) { $1 }] == 6)
        #expect(metrics["apus_messages_sent_bytes_total", Self.tcp] == 34.0)
        #expect(metrics["apus_copies_delivered_total"] == 6)
        #expect(metrics.isBalanced)
        #expect(metrics.sum("apus_connections_accepted_total", Self.tcp) == 4)
        #expect(metrics["apus_clients_accepted_total"] == 4)
        #expect(metrics["apus_sessions"] == 1 && metrics["apus_subscriptions"] == 1)
        #expect(metrics["apus_gateway_publishes_received_total", ["gateway": "mqtt"]] == 7)
        #expect(try await apus.stop() == 0)
    }

    @Test func dropsAreCountedByReasonAndMailboxesByDepth() async throws {
        let apus = try await RunningApus(["sys_interval=1d", Self.alone, "limits.mailbox.offline_messages=2"])
        let away = try await Mosquitto.subscribe(apus, "m/+", qos: 1, ["-i", "away", "-c", "-x", "3600"])
        away.program.signal(SIGTERM)
        _ = try await away.program.exitStatus()
        try await apus.metrics { $0["apus_clients", Self.tcp] == 0 }
        try await Mosquitto.publish(apus, "m/1", [1, 2, 3], qos: 1, ["--repeat", "5"])
        try await Mosquitto.publish(apus, "m/1", [1], qos: 0)
        try await Mosquitto.publish(apus, "kept", [7, 7], qos: 1, ["-r"])
        let metrics = try await apus.metrics { $0.sum("apus_copies_dropped_total", ["reason": "offline_qos0"]) == 1 }
        #expect(metrics.sum("apus_copies_dropped_total", ["reason": "mailbox_full"]) == 3)
        // Nobody listens to $SYS topics either.
        let own = metrics.sum("apus_messages_received_total", ["listener": "sys"])
        #expect(metrics.sum("apus_copies_dropped_total", ["reason": "no_subscribers"]) == own + 1)
        #expect(metrics["apus_copies_queued"] == 2)
        #expect(metrics["apus_mailboxes", ["messages": "2-10"]] == 1)
        #expect(metrics["apus_mailbox_messages_maximum"] == 2)
        #expect(metrics["apus_mailbox_bytes"] == 12)
        // The retained $SYS topics are counted, too.
        #expect(metrics.sum("apus_retained_messages") > 1)
        #expect(metrics["apus_store_durability_info", ["level": "disk"]] == 1)
        #expect(metrics.sum("apus_store_batches_total") > 0)
        #expect(metrics["apus_store_commit_seconds_count"] == metrics["apus_store_batches_total"])
        #expect(metrics.sum("apus_store_written_bytes_total") > 0)
        #expect(metrics.isBalanced)
        #expect(try await apus.stop() == 0)
    }

    @Test func everyProtocolHasItsListener() async throws {
        let apus = try await RunningApus(["sys_interval=1d"])
        try await CoAPClients.libcoapPublish(apus, "c", [1, 2])
        let node = try RawSocket(.udp, port: apus.port("mqttsn.udp"))
        // MQTT-SN 1.2, PUBLISH of QoS -1 to the short topic `ab`.
        node.send([0x0B, 0x0C, 0x62] + Array("ab".utf8) + [0, 0] + Array("21.0".utf8))
        let metrics = try await apus.metrics { $0.sum("apus_messages_received_total", ["listener": "mqttsn.udp"]) == 1 }
        #expect(metrics.sum("apus_messages_received_total", ["listener": "coap.udp"]) == 1)
        #expect(metrics["apus_messages_received_bytes_total", ["listener": "mqttsn.udp"]] == 6)
        #expect(metrics["apus_gateway_datagrams_received_total", ["gateway": "mqttsn"]] == 1)
        #expect(metrics.sum("apus_gateway_requests_total", ["gateway": "coap"]) > 0)
        try await apus.metrics { $0.sum("apus_event_loop_delay_seconds_count") > 0 }
        #expect(try await apus.stop() == 0)
    }

    @Test func refusalsAreCountedByReason() async throws {
        let users = try TemporaryFile("")
        let apus = try await RunningApus([Self.alone, "access.password_file=\(users.path)"])
        let client = try Program(
            "mosquitto_pub", ["-p", "\(try apus.port("mqtt.tcp"))", "-V", "5", "-t", "x", "-m", "x"])
        #expect(try await client.exitStatus() != 0)
        let metrics = try await apus.metrics()
        #expect(metrics.sum("apus_clients_refused_total") == 1)
        #expect(try await apus.stop() == 0)
    }

    /// Prometheus' own parser reads what ours reads.
    @Test func prometheusReadsThem() async throws {
        let apus = try await RunningApus(["sys_interval=1d"])
        try await Mosquitto.publish(apus, "m/1", [1, 2, 3], qos: 1)
        let script = "\(BuiltProducts.repository)/Tests/EndToEndTests/Clients/metrics.py"
        let scraper = try Program(BuiltProducts.python, [script, "\(try apus.port("admin.http"))"])
        #expect(try await scraper.exitStatus() == 0)
        #expect(scraper.lines.first?.hasPrefix("TYPE text/plain; version=0.0.4") == true)
        #expect(scraper.lines.last == "DONE")
        #expect(scraper.lines.contains("SAMPLE counter apus_messages_received_total listener=mqtt.tcp,qos=1 1.0"))
        let ours = try await apus.metrics()
        #expect(scraper.lines.count { $0.hasPrefix("SAMPLE ") } == ours.values.count)
        #expect(try await apus.stop() == 0)
    }

    @Test func everyScrapeBalancesWhileMessagesFlow() async throws {
        let apus = try await RunningApus(["limits.mailbox.online_messages=50", "sys_interval=100ms"])
        let port = try apus.port("mqtt.tcp")
        async let load = apus.load(qos: .atLeastOnce, pairs: 20, for: .seconds(2))
        var moments: Set<Double> = []
        for _ in 0..<30 {
            let metrics = try await apus.metrics()
            #expect(metrics.isBalanced, "\(metrics.nonzero)")
            moments.insert(metrics.sum("apus_copies_accepted_total"))
        }
        #expect(moments.count > 5, "messages were flowing meanwhile")
        _ = try await load
        // $SYS tells the same, between one scrape and the next.
        let before = try await apus.metrics()
        let ledger = try await Ledger.read(port: port)
        let after = try await apus.metrics()
        let range = before.sum("apus_copies_delivered_total")...after.sum("apus_copies_delivered_total")
        #expect(range.contains(Double(ledger.delivered)))
        #expect(try await apus.stop() == 0)
    }

    @Test func healthIsGoodUntilTheStoreFails() async throws {
        let apus = try await RunningApus(["store.max_size=1MB"])
        let good = try await apus.http("/health")
        #expect(good.hasPrefix("HTTP/1.1 200 ") && good.hasSuffix("{\"status\":\"ok\"}\n"))
        let payload = [UInt8](repeating: 7, count: 100_000)
        for number in 0..<20 {
            // Refused in the end, which is the point; mosquitto_pub does not mind.
            try? await Mosquitto.publish(apus, "full/\(number)", payload, qos: 1, ["-r"])
            guard try await apus.http("/health").hasPrefix("HTTP/1.1 200 ") else { break }
        }
        let bad = try await apus.http("/health")
        #expect(bad.hasPrefix("HTTP/1.1 503 ") && bad.hasSuffix("{\"status\":\"failing\",\"failing\":[\"store\"]}\n"))
        let metrics = try await apus.metrics()
        #expect(metrics["apus_store_failing"] == 1)
        #expect(metrics.sum("apus_store_failures_total") > 0)
    }

    @Test func itCanBeSwitchedOff() async throws {
        let apus = try await RunningApus(["admin.http.enabled=false"])
        #expect(throws: (any Error).self) { try apus.port("admin.http") }
        #expect(try await apus.stop() == 0)
    }
}
