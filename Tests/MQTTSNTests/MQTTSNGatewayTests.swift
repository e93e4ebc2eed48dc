import Glibc
import Logging
import Messaging
import NIOCore
import NIOPosix
import TestKit
import Testing

@testable import MQTTSN

/// The gateway behind a real UDP socket.
@Suite("MQTTSNGateway")
struct MQTTSNGatewayTests {
    private func withGateway(
        address: String = "127.0.0.1", _ body: (FakeBroker, MQTTSNGateway, Int) async throws -> Void
    ) async throws {
        var settings = MQTTSNSettings()
        settings.address = address
        settings.port = 0
        settings.strangersPerSecond = 0  // All nodes of a test are one host.
        let broker = FakeBroker()
        let gateway = MQTTSNGateway(
            broker: broker, settings: settings, eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: Logger(label: "test"))
        let listeners = try await gateway.bind()
        let port = try #require(listeners.first?.port)
        await gateway.serve()
        do {
            try await body(broker, gateway, port)
        } catch {
            await gateway.stop()
            throw error
        }
        await gateway.stop()
    }

    @Test(arguments: ["127.0.0.1", "0.0.0.0"]) func carriesMessagesBothWays(address: String) async throws {
        try await withGateway(address: address) { broker, _, port in
            let subscriber = try await MQTTSNClient(clientID: "sub", port: port)
            try await subscriber.connect()
            _ = try await subscriber.subscribe("plant/#", qos: 2)
            let publisher = try await MQTTSNClient(clientID: "pub", port: port)
            try await publisher.connect()
            let topic = try await publisher.register("plant/temperature")
            for qos in UInt8(0)...2 {
                try await publisher.publish(topic, [0x32, 0x30 + qos], qos: qos, messageID: 10 + UInt16(qos))
                let received = try await subscriber.receive()
                #expect(received.payload == [0x32, 0x30 + qos])
                #expect(received.qos == qos)
            }
            #expect(broker.published.map(\.topic.string) == Array(repeating: "plant/temperature", count: 3))
            try await publisher.disconnect()
            try await subscriber.disconnect()
        }
    }

    @Test func deliversToASleeperWhenItWakes() async throws {
        try await withGateway { broker, _, port in
            let node = try await MQTTSNClient(clientID: "node", port: port)
            try await node.connect(cleanSession: false)
            _ = try await node.subscribe("cmd/#", qos: 2)
            try await node.sleep(seconds: 60)
            for qos in QoS.allCases { try broker.publish("cmd/led", [qos.rawValue], qos: qos) }
            #expect(try await node.wake().map(\.payload) == [[0], [1], [2]])
            #expect(try await node.wake() == [])
            try await node.disconnect()
        }
    }

    @Test func answersFromTheAddressThatWasAsked() async throws {
        try await withGateway(address: "0.0.0.0") { _, _, port in
            let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
            defer { close(descriptor) }
            let asked = try SocketAddress(ipAddress: "127.0.0.2", port: port)
            // A connected socket drops what comes from elsewhere, as asymcute's does.
            #expect(asked.withSockAddr { connect(descriptor, $0, socklen_t($1)) } == 0)
            var timeout = timeval(tv_sec: 5, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
            let search: [UInt8] = [0x03, 0x01, 0x00]
            #expect(send(descriptor, search, search.count, 0) == search.count)
            var answer = [UInt8](repeating: 0, count: 16)
            let length = recv(descriptor, &answer, 16, 0)
            #expect(Array(answer.prefix(max(0, length))) == [0x03, 0x02, 0x01])
        }
    }

    @Test func servesOverIPv6() async throws {
        try await withGateway(address: "::1") { _, _, port in
            let mailbox = try await DatagramMailbox(host: "::1", port: port)
            try await mailbox.send([0x03, 0x01, 0x00])
            #expect(try await mailbox.next() == [0x03, 0x02, 0x01])
            try await mailbox.close()
        }
    }

    @Test func aPortInUseIsOneClearSentence() async throws {
        try await withGateway { broker, _, port in
            var settings = MQTTSNSettings()
            settings.port = port
            let second = MQTTSNGateway(
                broker: broker, settings: settings, eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: Logger(label: "test"))
            let error = await #expect(throws: BindError.self) { _ = try await second.bind() }
            #expect(error?.errorNumber == EADDRINUSE)
            #expect(error?.listener == "mqttsn.udp")
            #expect(error?.description == "Cannot listen on UDP 127.0.0.1 port \(port): Address already in use.")
        }
    }

    @Test func anAddressThatIsNoneIsRefused() async throws {
        var settings = MQTTSNSettings()
        settings.address = "somewhere"
        let gateway = MQTTSNGateway(
            broker: FakeBroker(), settings: settings, eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: Logger(label: "test"))
        let error = await #expect(throws: BindError.self) { _ = try await gateway.bind() }
        #expect(error?.description == "somewhere is not a numeric IPv4 or IPv6 address.")
    }

    @Test func saysGoodbyeWhenItStops() async throws {
        var mailbox: DatagramMailbox?
        try await withGateway { _, _, port in
            let device = try await DatagramMailbox(port: port)
            try await device.send([0x08, 0x04, 0x04, 0x01, 0x00, 0x3C, 0x63, 0x31])
            #expect(try await device.next() == [0x03, 0x05, 0x00])
            mailbox = device
        }
        #expect(try await mailbox?.next() == [0x02, 0x18])
        try await mailbox?.close()
    }

    @Test func damagedDatagramsLeaveItServing() async throws {
        try await withGateway { _, gateway, port in
            let attacker = try await DatagramMailbox(port: port)
            let witness = try await MQTTSNClient(clientID: "meanwhile", port: port)
            try await witness.connect()
            var generator = SeededGenerator(seed: 0xBAD)
            let corpus = PacketTests.valid.map(\.octets)
            for round in 0..<10_000 {
                try await attacker.send(generator.mutate(corpus[round % corpus.count]))
                // The system drops datagrams nobody reads in time; an answer shows that the gateway has caught up.
                if round % 100 == 99 { try await witness.ping() }
            }
            try await witness.disconnect()
            let node = try await MQTTSNClient(clientID: "after", port: port)
            try await node.connect()
            try await node.ping()
            try await node.disconnect()
            try await attacker.close()
            #expect(gateway.counters().first { $0.name == "datagrams_malformed" }?.value ?? 0 > 1_000)
        }
    }
}
