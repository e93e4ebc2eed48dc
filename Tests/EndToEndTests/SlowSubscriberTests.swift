import Foundation
import TestKit
import Testing

extension HostileClients {
    /// Subscribers that do not keep up, on purpose: the gateway's memory stays below a ceiling that its settings state, drops are
    /// counted with their reason, and other subscribers get everything.
    @Suite(.serialized) struct SlowSubscriberTests {
        /// What a debug build may hold besides mailboxes: receive buffers, the allocator's slack, what is on its way through.
        private static let slack = 32 << 20
        private static let settings =
            alone + ["limits.mailbox.octets=1MB", "limits.mailbox.longest_hold_back=100ms"]
        private static let payload = [UInt8](repeating: 7, count: 20_000)

        /// Subscribes to everything below `s` and never reads what comes.
        private func deafSubscriber(_ apus: RunningApus, _ clientID: String, qos: UInt8) throws -> RawSocket {
            let socket = try RawSocket(.tcp, port: apus.port("mqtt.tcp"), reads: false)
            socket.send(MQTTOctets.connect(clientID) + MQTTOctets.subscribe("s/#", qos: qos))
            return socket
        }

        @Test(arguments: [0, 1] as [UInt8])
        func whoNeverReadsCostsItsMailboxAndNoMore(qos: UInt8) async throws {
            let apus = try await RunningApus(Self.settings)
            let deaf = try (0..<3).map { try deafSubscriber(apus, "deaf-\($0)", qos: qos) }
            let reader = try RawSocket(.tcp, port: apus.port("mqtt.tcp"))
            reader.send(MQTTOctets.connect("reader") + MQTTOctets.subscribe("other", qos: 1))
            try await apus.metrics { $0["apus_subscriptions"] == 4 }
            let before = try apus.residentOctets
            let publisher = try await connected(apus, "publisher")
            // 100 MB for each of the three, who have room for 1 MB each.
            let count = 5_000
            let packet = MQTTOctets.publish("s/1", Self.payload, qos: qos, identifier: 1)
            let progress = publisher.flood(packet, times: count)
            let middle = await progress.wait(within: .patience) { $0 > count / 2 || $0 < 0 ? $0 : nil }
            #expect(middle ?? -1 > 0)
            // In the middle of it another pair talks.
            try await Mosquitto.publish(apus, "other", [9], qos: 1)
            try await reader.wait { $0.octets.suffix(1) == [9] ? true : nil }
            #expect(await progress.wait(within: .patience) { $0 == count ? true : nil } == true)
            let metrics = try await apus.metrics {
                $0.sum("apus_messages_received_total", ["listener": "mqtt.tcp", "qos": "\(qos)"]) >= Double(count)
            }
            #expect(metrics.sum("apus_copies_dropped_total", ["reason": "mailbox_full"]) > Double(count * 2))
            #expect(metrics.sum("apus_mailbox_bytes") <= 3 * 1_048_576)
            #expect(metrics.isBalanced)
            #expect(try apus.residentOctets - before < 3 * 3 * 1_048_576 + Self.slack, "\(metrics.nonzero)")
            withExtendedLifetime(deaf) {}
            #expect(try await apus.stop() == 0)
        }

        /// Many mailboxes, each far below its own limit.
        @Test func allMailboxesTogetherKeepBelowTheMemoryLimit() async throws {
            let apus = try await RunningApus(alone + ["limits.memory=128MB"])
            let deaf = try (0..<20).map { number in
                let socket = try RawSocket(.tcp, port: apus.port("mqtt.tcp"), reads: false)
                socket.send(MQTTOctets.connect("deaf-\(number)") + MQTTOctets.subscribe("s/\(number)", qos: 0))
                return socket
            }
            try await apus.metrics { $0["apus_subscriptions"] == 20 }
            let publisher = try await connected(apus, "publisher")
            // 10 MB for each of the twenty, who have room for 64 MB each.
            let round = (0..<20).flatMap { MQTTOctets.publish("s/\($0)", Self.payload) }
            let progress = publisher.flood(round, times: 500)
            #expect(await progress.wait(within: .patience) { $0 == 500 ? true : nil } == true)
            try await expectOthersServed(apus)
            let metrics = try await apus.metrics {
                $0.sum("apus_messages_received_total", ["listener": "mqtt.tcp", "qos": "0"]) >= 10_000
            }
            #expect(metrics.sum("apus_copies_dropped_total", ["reason": "memory_full"]) > 2_000)
            #expect(metrics.isBalanced)
            #expect(try apus.residentOctets < 128 << 20 + Self.slack, "\(metrics.nonzero)")
            withExtendedLifetime(deaf) {}
            #expect(try await apus.stop() == 0)
        }

        /// It reads and never acknowledges, and says it takes 65,535 messages at once: what is on the way is bounded, too.
        @Test func whoNeverAcknowledgesIsSentNoMoreThanItsMailboxHolds() async throws {
            let apus = try await RunningApus(Self.settings)
            let greedy = try RawSocket(.tcp, port: apus.port("mqtt.tcp"))
            greedy.send(MQTTOctets.connect("greedy") + MQTTOctets.subscribe("s/#", qos: 1))
            try await apus.metrics { $0["apus_subscriptions"] == 1 }
            let before = try apus.residentOctets
            let publisher = try await connected(apus, "publisher")
            let count = 5_000
            let progress = publisher.flood(MQTTOctets.publish("s/1", Self.payload, qos: 1, identifier: 1), times: count)
            #expect(await progress.wait(within: .patience) { $0 == count ? true : nil } == true)
            let metrics = try await apus.metrics {
                $0.sum("apus_messages_received_total", ["listener": "mqtt.tcp", "qos": "1"]) >= Double(count)
            }
            #expect(metrics.sum("apus_copies_queued") <= 2 * 1_048_576 / 20_000 + 1, "1 MB on the way, 1 MB waiting")
            #expect(metrics.sum("apus_copies_dropped_total", ["reason": "mailbox_full"]) > Double(count) * 0.9)
            #expect(try apus.residentOctets - before < 3 * 1_048_576 + Self.slack)
            let received = greedy.received.read { $0.pieces.reduce(0) { $0 + $1.count } }
            #expect(received < 1_200_000)
            #expect(try await apus.stop() == 0)
        }
    }
}
