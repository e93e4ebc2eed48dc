import Foundation
import TestKit
import Testing

extension HostileClients {
    @Suite struct HostileNetworkTests {
        @Test func whoNeverFinishesItsCONNECTIsClosedInTimeAndTheOthersAreServed() async throws {
            let apus = try await RunningApus(alone + ["mqtt.connect_timeout=3s"])
            let port = try apus.port("mqtt.tcp")
            let sockets = try (0..<50).map { _ in try RawSocket(.tcp, port: port) }
            // Octet by octet; a CONNECT of this length would take minutes.
            let drip = Task {
                for octet in MQTTOctets.connect(String(repeating: "x", count: 1_000)) {
                    for socket in sockets { socket.send([octet]) }
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            defer { drip.cancel() }
            try await expectOthersServed(apus)
            for socket in sockets { try await socket.wait { $0.isClosed ? true : nil } }
            try await apus.metrics { $0.sum("apus_gateway_connect_timeouts_total") == 50 }
            #expect(try await apus.stop() == 0)
        }

        @Test func halfAPacketIsNoSignOfLife() async throws {
            let apus = try await RunningApus(alone)
            let socket = try await connected(apus, "half", keepAlive: 2)
            socket.send(Array(MQTTOctets.publish("a", [UInt8](repeating: 0, count: 1_000)).prefix(500)))
            let drip = Task {
                while !Task.isCancelled {
                    socket.send([0])
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
            defer { drip.cancel() }
            // MQTT-3.1.2-22: after one and a half times the keep alive; 0x8D says so.
            let goodbye = try await socket.wait { $0.isClosed ? $0.octets : nil }
            #expect(goodbye.first == 0xE0 && goodbye.dropFirst(2).first == 0x8D, "\(hex(goodbye))")
            try await apus.expectServing()
        }

        @Test(arguments: [5, 4] as [UInt8])
        func anAnnounced256MBIsRefusedBeforeAnythingIsReserved(version: UInt8) async throws {
            let apus = try await RunningApus(alone)
            let sockets = try await (0..<20).asyncMap { try await connected(apus, "huge-\($0)", version: version) }
            let before = try apus.residentOctets
            // PUBLISH with the largest remaining length there is: 268,435,455.
            for socket in sockets { socket.send([0x30, 0xFF, 0xFF, 0xFF, 0x7F, 0, 1]) }
            for socket in sockets {
                let answer = try await socket.wait { $0.isClosed ? $0.octets : nil }
                // DISCONNECT with 0x95, packet too large (MQTT-3.1.2-24); before 5.0 there is no word for it.
                #expect(version == 5 ? answer.first == 0xE0 && answer.dropFirst(2).first == 0x95 : answer.isEmpty)
            }
            #expect(try apus.residentOctets - before < 16 << 20)
            try await apus.expectServing()
        }

        @Test func halfPacketsOfAllTogetherAreBounded() async throws {
            let apus = try await RunningApus(alone + ["mqtt.max_unfinished=1MB"])
            let sockets = try await (0..<20).asyncMap { try await connected(apus, "half-\($0)") }
            let before = try apus.residentOctets
            // 900 KB announced, 200 KB sent, and then nothing more.
            let half = Array(MQTTOctets.publish("a", [UInt8](repeating: 0, count: 900_000)).prefix(200_000))
            for socket in sockets { socket.send(half) }
            let metrics = try await apus.metrics { $0.sum("apus_gateway_unfinished_over_limit_total") >= 15 }
            try await waitFor(15, of: sockets) { try await $0.wait { $0.isClosed ? () : nil } }
            let goodbyes = sockets.map { socket in socket.received.read { $0.octets } }.filter { !$0.isEmpty }
            #expect(goodbyes.allSatisfy { $0.first == 0xE0 && $0.dropFirst(2).first == 0x97 })
            #expect(Double(goodbyes.count) == metrics.sum("apus_gateway_unfinished_over_limit_total"))
            #expect(try apus.residentOctets - before < 16 << 20)
            try await apus.expectServing()
        }

        @Test func aHundredThousandPingsInOneGoAreAnswered() async throws {
            let apus = try await RunningApus(alone)
            let socket = try await connected(apus, "pings")
            let count = 100_000
            _ = socket.flood(Array(repeatElement(MQTTOctets.pingRequest, count: count).joined()), times: 1)
            try await socket.wait { received in
                received.pieces.reduce(0) { $0 + $1.count } == count * 2 ? true : nil
            }
            try await apus.expectServing()
        }

        @Test func aHundredThousandEmptyMessagesInOneGoAreTaken() async throws {
            let apus = try await RunningApus(alone)
            let socket = try await connected(apus, "tiny")
            let count = 100_000
            let before = try apus.residentOctets
            _ = socket.flood(
                Array(repeatElement(MQTTOctets.publish("a", []), count: count).joined()) + MQTTOctets.pingRequest,
                times: 1)
            try await socket.wait { $0.octets == MQTTOctets.pingResponse ? true : nil }
            let metrics = try await apus.metrics()
            #expect(metrics["apus_messages_received_total", ["listener": "mqtt.tcp", "qos": "0"]] == Double(count))
            #expect(metrics.isBalanced)
            #expect(try apus.residentOctets - before < 32 << 20)
            try await apus.expectServing()
        }

        @Test func thousandsOfConnectionsThatComeAndGoLeaveNothing() async throws {
            let apus = try await RunningApus(alone)
            let port = try apus.port("mqtt.tcp")
            let idle = try await apus.metrics()
            for number in 0..<3_000 {
                let socket = try RawSocket(.tcp, port: port, reads: false)
                // A third says nothing, a third half a CONNECT, a third all of it.
                let connect = MQTTOctets.connect("flood-\(number)")
                socket.send(Array(connect.prefix([0, 7, connect.count][number % 3])))
            }
            let metrics = try await apus.metrics {
                $0.sum("apus_connections_accepted_total", ["listener": "mqtt.tcp"]) == 3_000
                    && $0.sum("apus_connections") == 0 && $0["apus_sessions"] == 0
            }
            // A few of Prometheus' own connections may be on their way out.
            #expect(metrics.sum("process_open_fds") - idle.sum("process_open_fds") < 20)
            try await apus.expectServing()
        }

        @Test func moreConnectionsThanMayBeAreClosedAtOnceAndCounted() async throws {
            let apus = try await RunningApus(alone + ["mqtt.max_connections=50"])
            let port = try apus.port("mqtt.tcp")
            let first = try await (0..<50).asyncMap { try await connected(apus, "in-\($0)") }
            let rest = try (0..<200).map { _ in try RawSocket(.tcp, port: port) }
            for socket in rest { try await socket.wait { $0.isClosed ? true : nil } }
            let metrics = try await apus.metrics()
            #expect(metrics.sum("apus_connections_refused_total", ["listener": "mqtt.tcp"]) == 200)
            #expect(metrics.sum("apus_connections", ["listener": "mqtt.tcp"]) == 50)
            // Those who are in are served.
            first[0].send(MQTTOctets.pingRequest)
            try await first[0].wait { $0.octets == MQTTOctets.pingResponse ? true : nil }
            #expect(try await apus.stop() == 0)
        }

        @Test func aFloodOfCONNECTsWithOneClientIDLeavesOneSession() async throws {
            let apus = try await RunningApus(alone)
            let port = try apus.port("mqtt.tcp")
            let sockets = try (0..<300).map { _ in
                let socket = try RawSocket(.tcp, port: port)
                socket.send(MQTTOctets.connect("same"))
                return socket
            }
            let metrics = try await apus.metrics {
                $0["apus_clients_accepted_total"] == 300 && $0.sum("apus_connections") == 1
            }
            #expect(metrics["apus_sessions"] == 1)
            try await waitFor(299, of: sockets) { try await $0.wait { $0.isClosed ? () : nil } }
            var goodbyes = 0
            for socket in sockets {
                let octets = socket.received.read { $0.octets }
                // Session taken over (MQTT-3.1.4-3).
                if octets.contains(0x8E) { goodbyes += 1 }
            }
            #expect(goodbyes == 299)
            try await apus.expectServing()
        }
    }
}
