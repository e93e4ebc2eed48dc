import Logging
import Messaging
import NIOPosix
import TestKit
import Testing
import Transport

@testable import MQTTSN

/// Clients over DTLS, against the gateway behind its two sockets.
@Suite("DTLS")
struct DTLSGatewayTests {
    private static let keys: [String: [UInt8]] = ["c1": Array(0..<16), "c2": Array(16..<32)]
    private static let connect: [UInt8] = [0x08, 0x04, 0x00, 0x01, 0x00, 0x3C, 0x63, 0x31]
    private static let sleep: [UInt8] = [0x04, 0x18, 0x00, 0x3C]
    private static let wake: [UInt8] = [0x04, 0x16, 0x63, 0x31]
    private static let disconnect: [UInt8] = [0x02, 0x18]

    private struct Stage {
        let broker: FakeBroker
        let gateway: MQTTSNGateway
        let plain: Int
        let secured: Int

        func node(_ name: String, key: [UInt8]? = nil, host: String = "127.0.0.1") throws -> DTLSNode {
            try DTLSNode(.key(identity: name, key ?? DTLSGatewayTests.keys[name] ?? []), port: secured, host: host)
        }
    }

    private func withGateway(
        _ change: (inout MQTTSNSettings) -> Void = { _ in }, _ body: (Stage) async throws -> Void
    ) async throws {
        let file = try TemporaryFile(Self.keys.map { "\($0.key):\(hex($0.value).replacing(" ", with: ""))\n" }.joined())
        var tls = TLSSettings()
        tls.preSharedKeyFile = file.path
        var settings = MQTTSNSettings.quiet
        settings.port = 0
        var listener = MQTTSNSettings.DTLSListener(try DTLSServer(tls))
        listener.port = 0
        listener.identityRules.bindsClientIdentifierToPreSharedKey = true
        settings.dtls = listener
        change(&settings)
        let broker = FakeBroker()
        let gateway = MQTTSNGateway(
            broker: broker, settings: settings, eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: Logger(label: "test"))
        let listeners = try await gateway.bind()
        await gateway.serve()
        let stage = Stage(
            broker: broker, gateway: gateway, plain: try #require(listeners.first { $0.name == "mqttsn.udp" }?.port),
            secured: try #require(listeners.first { $0.name == "mqttsn.dtls" }?.port))
        do {
            try await body(stage)
        } catch {
            await gateway.stop()
            throw error
        }
        await gateway.stop()
    }

    private func count(_ stage: Stage, _ name: String) -> UInt64? {
        stage.gateway.counters().first { $0.name == name }?.value
    }

    @Test("A client with a key connects, publishes and gets its messages; the plain port serves on")
    func carriesMessages() async throws {
        try await withGateway { stage in
            let node = try stage.node("c1")
            #expect(try node.ask(Self.connect) == [0x03, 0x05, 0x00])
            #expect(
                try node.ask([0x07, 0x12, 0x22, 0x00, 0x02, 0x61, 0x62]) == [
                    0x08, 0x13, 0x20, 0x61, 0x62, 0x00, 0x02, 0x00,
                ])
            let plain = try UDPSocket(host: "127.0.0.1", gateway: stage.plain)
            try plain.send([0x09, 0x0C, 0x62, 0x61, 0x62, 0x00, 0x00, 0x68, 0x69])
            #expect(try node.receive() == [0x09, 0x0C, 0x02, 0x61, 0x62, 0x00, 0x00, 0x68, 0x69])
            #expect(count(stage, "dtls_handshakes") == 1)
            #expect(count(stage, "datagrams_malformed") == 0)
        }
    }

    @Test("A key's identity is the only client id it may use") func isBoundToItsClientID() async throws {
        try await withGateway { stage in
            let node = try stage.node("c2")
            #expect(try node.ask(Self.connect) == [0x03, 0x05, 0x03])
            #expect(stage.broker.session("c1") == nil)
            #expect(count(stage, "identities_refused") == 1)
        }
        try await withGateway({ $0.dtls?.identityRules.bindsClientIdentifierToPreSharedKey = false }) { stage in
            let answer = try stage.node("c2").ask(Self.connect)
            #expect(answer == [0x03, 0x05, 0x00])
        }
    }

    @Test("While a client is connected with its key, nobody takes its place or its messages without")
    func isNotStolen() async throws {
        try await withGateway({ $0.roaming = .address }) { stage in
            let node = try stage.node("c1")
            #expect(try node.ask(Self.connect) == [0x03, 0x05, 0x00])
            #expect(try node.ask(Self.sleep) == Self.disconnect)
            let thief = try UDPSocket(host: "127.0.0.1", gateway: stage.plain)
            try thief.send(Self.wake)
            #expect(try thief.receive() == Self.disconnect)
            try thief.send(Self.connect)
            #expect(try thief.receive() == [0x03, 0x05, 0x03])
            let other = try stage.node("c2")
            #expect(try other.ask(Self.wake) == Self.disconnect)
            #expect(try node.ask(Self.wake) == [0x02, 0x17])
        }
    }

    @Test(
        "A client that proves who it is wakes from any address, unless nobody may move",
        arguments: MQTTSNSettings.Roaming.allCases)
    func roams(_ roaming: MQTTSNSettings.Roaming) async throws {
        try await withGateway({ $0.roaming = roaming }) { stage in
            let before = try stage.node("c1")
            #expect(try before.ask(Self.connect) == [0x03, 0x05, 0x00])
            #expect(try before.ask(Self.sleep) == Self.disconnect)
            let after = try stage.node("c1", host: "127.0.0.9")
            #expect(try after.ask(Self.wake) == (roaming == .none ? Self.disconnect : [0x02, 0x17]))
            if roaming != .none { #expect(try before.ask([0x02, 0x16]) == Self.disconnect) }
        }
    }

    @Test("A stop says goodbye in both languages") func stops() async throws {
        try await withGateway { stage in
            let node = try stage.node("c1")
            #expect(try node.ask(Self.connect) == [0x03, 0x05, 0x00])
            await stage.gateway.stop()
            #expect(try node.receive() == Self.disconnect)
            #expect(try node.isClosed())
        }
    }

    @Test("A node without session publishes (QoS -1) as who its key says") func withoutConnection() async throws {
        try await withGateway { stage in
            try stage.node("c1").send([0x09, 0x0C, 0x62, 0x61, 0x62, 0x00, 0x00, 0x68, 0x69])
            let fence = try stage.node("c2")
            #expect(try fence.ask([0x02, 0x16]) == Self.disconnect)
            #expect(stage.broker.published.map(\.topic.string) == ["ab"])
        }
    }
}
