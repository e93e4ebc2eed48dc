import Foundation
import NIOCore
import TestKit
import Testing

@testable import Transport

@Suite("DTLSEndpoint")
struct DTLSEndpointTests {
    @Test(
        "Messages go both ways, with every kind of key exchange",
        arguments: ["PSK-AES128-CCM8", "PSK-AES128-GCM-SHA256", "ECDHE-PSK-CHACHA20-POLY1305", "PSK-AES128-CBC-SHA256"])
    func carriesMessages(ciphers: String) throws {
        let stage = try DTLSStage(client: DTLSClient(.key(identity: "c1", DTLSStage.key), ciphers: ciphers))
        stage.connect()
        #expect(stage.client.isEstablished)
        stage.client.send([1, 2, 3])
        stage.exchange()
        #expect(stage.delivered.map(\.message) == [[1, 2, 3]])
        #expect(stage.delivered.first?.from == .preSharedKey(identity: "c1"))
        let large = [UInt8](repeating: 7, count: 1_392)
        #expect(stage.endpoint.send(ByteBuffer(bytes: large), to: stage.number))
        let datagram = try #require(stage.endpoint.takeOutgoing().first?.1)
        #expect(datagram.readableBytes - large.count <= DTLSLimits.overhead)
        stage.client.receive(Array(datagram.readableBytesView))
        #expect(stage.client.received == [large])
        #expect(stage.counters.handshakes.current == 1)
    }

    // MARK: Before the cookie

    @Test("A first ClientHello is answered with less than it has, and not remembered (RFC 6347, 4.2.1)")
    func nothingBeforeTheCookie() throws {
        let stage = try DTLSStage()
        stage.client.start()
        let hello = try #require(stage.client.takeOutgoing().first)
        for port in 1...100 {
            let answers = stage.receive(hello, port: port)
            #expect(answers.count == 1)
            #expect(answers[0].count <= hello.count)
        }
        #expect(stage.endpoint.count == 0)
        #expect(stage.counters.cookiesAsked.current == 100)
    }

    @Test("A cookie holds for its address alone")
    func cookieOfAnother() throws {
        let stage = try DTLSStage()
        stage.client.start()
        let hello = try #require(stage.client.takeOutgoing().first)
        let question = try #require(stage.receive(hello, port: 1).first)
        stage.client.receive(question)
        let withCookie = try #require(stage.client.takeOutgoing().first)
        #expect(stage.receive(withCookie, port: 2).first.map { $0.count <= withCookie.count } ?? true)
        #expect(stage.endpoint.count == 0)
        _ = stage.receive(withCookie, port: 1)
        #expect(stage.endpoint.count == 1)
    }

    @Test("What is no ClientHello is dropped without an answer")
    func strangersAreNotAnswered() throws {
        let stage = try DTLSStage()
        for datagram: [UInt8] in [[], [22], [0x02, 0x16], [UInt8](repeating: 22, count: 60)] {
            #expect(stage.receive(datagram, port: 5) == [])
        }
        #expect(stage.counters.datagramsUnknown.current == 4)
    }

    // MARK: A bad network

    @Test(
        "A handshake survives any one datagram being lost, doubled or late", arguments: 0..<8, DTLSStage.Fault.allCases)
    func survives(at index: Int, _ fault: DTLSStage.Fault) throws {
        let stage = try DTLSStage()
        stage.faults = [index: fault]
        stage.connect()
        #expect(stage.client.isEstablished)
        #expect(stage.datagrams > index)
        stage.client.send([9])
        stage.exchange()
        #expect(stage.delivered.map(\.message) == [[9]])
        #expect(stage.endpoint.count == 1)
    }

    @Test("A flight without answer is sent again after 1, 2, 4 and 8 s, and given up after 30 (RFC 6347, 4.2.4.1)")
    func repeatsFlights() throws {
        let stage = try DTLSStage()
        let flight = stage.beginHandshake(stage.client, port: 1)
        #expect(!flight.isEmpty)
        var sentAt: [Int] = []
        for second in 1...31 {
            stage.wait(.seconds(1))
            let again = stage.endpoint.takeOutgoing().map { Array($0.1.readableBytesView) }
            if !again.isEmpty { sentAt.append(second) }
            #expect(again == [] || again == flight)
        }
        #expect(sentAt == [1, 3, 7, 15])
        #expect(stage.endpoint.count == 0)
        #expect(stage.counters.handshakesAbandoned.current == 1)
        #expect(stage.endpoint.nextDeadline == nil)
    }

    @Test("A record that comes again is not delivered again (RFC 6347, 4.1.2.6)")
    func replays() throws {
        let stage = try DTLSStage()
        stage.connect()
        stage.client.send([5])
        let record = try #require(stage.client.takeOutgoing().first)
        for _ in 0..<3 { _ = stage.receive(record, port: 1) }
        #expect(stage.delivered.count == 1)
    }

    @Test("Damaged datagrams neither trap nor end a session")
    func damage() throws {
        let stage = try DTLSStage()
        stage.connect()
        var generator = SeededGenerator(seed: 6_347)
        for _ in 0..<2_000 {
            stage.client.send([1, 2, 3, 4])
            for datagram in stage.client.takeOutgoing() { _ = stage.receive(generator.mutate(datagram), port: 1) }
        }
        stage.client.send([5])
        stage.exchange()
        #expect(stage.delivered.last?.message == [5])
        #expect(stage.endpoint.count == 1)
    }

    // MARK: Keys

    @Test("Neither a wrong key nor an unknown identity gets in, and one cannot be told from the other")
    func wrongKeys() throws {
        for credentials in [
            DTLSClient.Credentials.key(identity: "c1", [1]), .key(identity: "c2", DTLSStage.key),
            .key(identity: "", [1]),
        ] {
            let stage = try DTLSStage(client: DTLSClient(credentials))
            stage.connect()
            #expect(!stage.client.isEstablished)
            stage.wait(.seconds(60))
            #expect(stage.endpoint.count == 0)
            #expect(stage.counters.handshakes.current == 0)
            #expect(stage.counters.handshakesAbandoned.current + stage.counters.handshakesFailed.current == 1)
        }
    }

    @Test("Certificates prove who a client is; without one there is an alert where one is required")
    func certificates() async throws {
        let certificates = try await Certificates()
        let server = try DTLSStage.server {
            $0.certificateFile = certificates.certificate("server")
            $0.keyFile = certificates.key("server")
            $0.authoritiesFile = certificates.authority
            $0.clientCertificate = .required
        }
        let known = try DTLSStage(
            server,
            client: DTLSClient(.certificate(certificates.certificate("client"), key: certificates.key("client"))))
        known.connect()
        known.client.send([1])
        known.exchange()
        guard case .certificate(let names) = known.delivered.first?.from else {
            Issue.record("no certificate")
            return
        }
        #expect(names.commonName == "device-1")
        let stranger = try DTLSStage(server, client: DTLSClient(.certificate(nil, key: nil)))
        stranger.connect()
        #expect(stranger.counters.handshakesFailed.current == 1)
        #expect(stranger.endpoint.count == 0)
    }

    @Test("New keys hold for new sessions")
    func reload() throws {
        let file = try TemporaryFile("c1:000102030405060708090a0b0c0d0e0f\n")
        let server = try DTLSStage.server { $0.preSharedKeyFile = file.path }
        let stage = try DTLSStage(server)
        stage.connect()
        try "c2:00112233\n".write(toFile: file.path, atomically: true, encoding: .utf8)
        try server.reload()
        stage.client.send([1])
        stage.client = DTLSClient(.key(identity: "c2", [0x00, 0x11, 0x22, 0x33]))
        stage.connect(port: 2)
        #expect(stage.client.isEstablished)
        try "nonsense".write(toFile: file.path, atomically: true, encoding: .utf8)
        #expect(throws: TLSFileError.self) { try server.reload() }
        stage.client = DTLSClient(.key(identity: "c2", [0x00, 0x11, 0x22, 0x33]))
        stage.connect(port: 3)
        #expect(stage.client.isEstablished)
    }

    // MARK: Bounds and ends

    @Test("Half-open handshakes are bounded, and leave room again")
    func halfOpen() throws {
        var limits = DTLSLimits()
        limits.handshakes = 2
        let stage = try DTLSStage(limits: limits)
        for port in 1...3 {
            let client = DTLSClient(.key(identity: "c1", DTLSStage.key))
            let answers = stage.beginHandshake(client, port: port)
            #expect(answers.isEmpty == (port == 3))
        }
        #expect(stage.counters.handshakesRefused.current == 1)
        stage.wait(.seconds(31))
        #expect(stage.endpoint.count == 0)
        _ = stage.endpoint.takeOutgoing()
        stage.connect(port: 4)
        #expect(stage.client.isEstablished)
    }

    @Test("A silent session is closed with a word to its client, one that is heard is not")
    func idle() throws {
        var limits = DTLSLimits()
        limits.idleTimeout = .seconds(100)
        let stage = try DTLSStage(limits: limits)
        stage.connect()
        stage.wait(.seconds(60))
        stage.client.send([1])
        stage.exchange()
        stage.wait(.seconds(99))
        #expect(stage.endpoint.count == 1)
        stage.wait(.seconds(1))
        #expect(stage.endpoint.count == 0)
        stage.exchange()
        #expect(stage.client.isClosed)
        #expect(stage.counters.sessionsIdle.current == 1)
        #expect(!stage.endpoint.send(ByteBuffer(bytes: [1]), to: stage.number))
    }

    @Test("A stop says goodbye (close_notify); so may a client")
    func goodbyes() throws {
        let stage = try DTLSStage()
        stage.connect()
        stage.endpoint.shutDown()
        stage.exchange()
        #expect(stage.client.isClosed)
        #expect(stage.endpoint.count == 0)
        let other = try DTLSStage()
        other.connect()
        other.client.close()
        other.exchange()
        #expect(other.endpoint.count == 0)
        #expect(other.counters.sessionsClosed.current == 1)
    }

    @Test(
        "A client that begins anew from its address gets a session of its own; who cannot show the cookie ends nothing")
    func beginsAnew() throws {
        let stage = try DTLSStage()
        stage.connect()
        let first = stage.number
        let forger = DTLSClient(.key(identity: "c1", DTLSStage.key))
        forger.start()
        let hello = try #require(forger.takeOutgoing().first)
        _ = stage.receive(hello, port: 1)
        #expect(stage.endpoint.send(ByteBuffer(bytes: [1]), to: first))
        _ = stage.endpoint.takeOutgoing()
        stage.client = DTLSClient(.key(identity: "c1", DTLSStage.key))
        stage.connect()
        #expect(stage.client.isEstablished)
        #expect(stage.number != first)
        #expect(!stage.endpoint.send(ByteBuffer(bytes: [1]), to: first))
        #expect(stage.endpoint.count == 1)
    }
}
