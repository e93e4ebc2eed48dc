import Messaging
import NIOCore
import TestKit
import Testing

@testable import MQTTSN

/// Scenarios that need more octets or clients than a script can show.
@Suite("GatewayLoop")
struct GatewayLoopTests {
    private let connect: [UInt8] = [0x08, 0x04, 0x04, 0x01, 0x00, 0x3C, 0x63, 0x31]

    private func exchange(_ conversation: Conversation, _ octets: [UInt8], from client: String = "C") -> [[UInt8]] {
        conversation.receive(octets, from: client)
        return conversation.takeSent()
    }

    @Test("4: a payload of 300 octets goes both ways in the long form") func longPayload() throws {
        let conversation = try Conversation()
        #expect(exchange(conversation, connect) == [[0x03, 0x05, 0x00]])
        #expect(
            exchange(conversation, [0x07, 0x12, 0x22, 0x00, 0x02, 0x61, 0x62])
                == [[0x08, 0x13, 0x20, 0x61, 0x62, 0x00, 0x02, 0x00]])
        let payload = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
        let sent = exchange(conversation, [0x01, 0x01, 0x35, 0x0C, 0x22, 0x61, 0x62, 0x00, 0x07] + payload)
        #expect(conversation.broker.published.map(\.payload) == [payload])
        #expect(
            sent == [
                [0x07, 0x0D, 0x61, 0x62, 0x00, 0x07, 0x00],
                [0x01, 0x01, 0x35, 0x0C, 0x22, 0x61, 0x62, 0x00, 0x01] + payload,
            ])
    }

    @Test("20: clients in the middle of CONNECT are bounded") func halfOpenConnections() throws {
        var settings = MQTTSNSettings.quiet
        settings.maximumHandshakes = 2
        let conversation = try Conversation(settings)
        for (client, id) in [("C", UInt8(0x31)), ("D", 0x32)] {
            let answer = exchange(conversation, [0x08, 0x04, 0x0C, 0x01, 0x00, 0x3C, 0x63, id], from: client)
            #expect(answer == [[0x02, 0x06]])
        }
        #expect(
            exchange(conversation, [0x08, 0x04, 0x0C, 0x01, 0x00, 0x3C, 0x63, 0x33], from: "E")
                == [[0x03, 0x05, 0x01]])
    }

    @Test("A publisher that overruns its receivers waits for its PUBACK") func holdsBack() throws {
        let conversation = try Conversation()
        _ = exchange(conversation, connect)
        conversation.broker.holdBack(true)
        #expect(exchange(conversation, [0x08, 0x0C, 0x22, 0x61, 0x62, 0x00, 0x07, 0x68]) == [])
        #expect(conversation.broker.published.count == 1)
        #expect(exchange(conversation, [0x02, 0x16]) == [[0x02, 0x17]])
        conversation.broker.holdBack(false)
        conversation.wait(.milliseconds(100))
        #expect(conversation.takeSent() == [[0x07, 0x0D, 0x61, 0x62, 0x00, 0x07, 0x00]])
    }

    @Test("A publication sent right behind CONNECT waits for the decision about the client") func earlyPublish() throws
    {
        let conversation = try Conversation()
        conversation.broker.parkConnects()
        #expect(exchange(conversation, connect) == [])
        #expect(exchange(conversation, [0x08, 0x0C, 0x22, 0x61, 0x62, 0x00, 0x07, 0x68]) == [])
        conversation.broker.releaseConnects()
        conversation.wait(.milliseconds(100))
        #expect(
            conversation.takeSent() == [[0x03, 0x05, 0x00], [0x07, 0x0D, 0x61, 0x62, 0x00, 0x07, 0x00]])
    }

    @Test("A CONNECT repeated while the decision is pending opens one session") func repeatedWhilePending() throws {
        let conversation = try Conversation()
        conversation.broker.parkConnects()
        _ = exchange(conversation, connect)
        _ = exchange(conversation, connect)
        conversation.broker.releaseConnects()
        conversation.wait(.milliseconds(100))
        #expect(conversation.takeSent() == [[0x03, 0x05, 0x00]])
        #expect(conversation.broker.session("c1")?.isAttached == true)
    }

    /// MQTT-SN 6.10: an id means the same as long as the session lives, also after a crash.
    @Test("The id of a name is told when it is stored") func durableTopicID() throws {
        let conversation = try Conversation()
        _ = exchange(conversation, connect)
        conversation.commitByHand()
        #expect(exchange(conversation, [0x09, 0x0A, 0x00, 0x00, 0x00, 0x05, 0x78, 0x2F, 0x79]) == [])
        conversation.commit()
        #expect(conversation.takeSent() == [[0x07, 0x0B, 0x00, 0x01, 0x00, 0x05, 0x00]])
    }

    /// The client forgets the identifier with PUBREL: a PUBLISH after it would be a new message.
    @Test("A PUBREC that meets the next connection settles the delivery before its release") func lateReception() throws
    {
        let conversation = try Conversation()
        let resume: [UInt8] = [0x08, 0x04, 0x00, 0x01, 0x00, 0x3C, 0x63, 0x31]
        _ = exchange(conversation, resume)
        _ = exchange(conversation, [0x07, 0x12, 0x42, 0x00, 0x02, 0x61, 0x62])
        try conversation.publish("ab", [0x68], .exactlyOnce, retain: false)
        #expect(conversation.takeSent() == [[0x08, 0x0C, 0x42, 0x61, 0x62, 0x00, 0x01, 0x68]])
        conversation.commitByHand()
        #expect(exchange(conversation, resume) == [])
        #expect(exchange(conversation, [0x04, 0x0F, 0x00, 0x01]) == [])
        for _ in 0..<3 { conversation.commit() }
        let sent = conversation.takeSent()
        #expect(sent.first == [0x03, 0x05, 0x00])
        #expect(sent.count > 1)
        #expect(sent.dropFirst().allSatisfy { $0 == [0x04, 0x10, 0x00, 0x01] })
        _ = exchange(conversation, [0x04, 0x0E, 0x00, 0x01])
        #expect(conversation.broker.session("c1")?.backlog == 0)
    }

    @Test("A PUBREC that meets a REGISTER of its delivery ends with PUBREL, not with another PUBLISH")
    func receptionDuringRegister() throws {
        let conversation = try Conversation()
        _ = exchange(conversation, connect)
        _ = exchange(conversation, [0x06, 0x12, 0x40, 0x00, 0x02, 0x23])
        try conversation.publish("a/b", [0x68], .exactlyOnce, retain: false)
        #expect(conversation.takeSent() == [[0x09, 0x0A, 0x00, 0x01, 0x00, 0x01, 0x61, 0x2F, 0x62]])
        let publish: [UInt8] = [0x08, 0x0C, 0x40, 0x00, 0x01, 0x00, 0x01, 0x68]
        #expect(exchange(conversation, [0x07, 0x0B, 0x00, 0x01, 0x00, 0x01, 0x00]) == [publish])
        let again: [UInt8] = [0x09, 0x0A, 0x00, 0x01, 0x00, 0x02, 0x61, 0x2F, 0x62]
        #expect(exchange(conversation, [0x07, 0x0D, 0x00, 0x01, 0x00, 0x01, 0x02]) == [again])
        #expect(exchange(conversation, [0x04, 0x0F, 0x00, 0x01]) == [[0x04, 0x10, 0x00, 0x01]])
        #expect(exchange(conversation, [0x07, 0x0B, 0x00, 0x01, 0x00, 0x02, 0x00]) == [])
        #expect(exchange(conversation, [0x04, 0x0E, 0x00, 0x01]) == [])
        #expect(conversation.broker.session("c1")?.backlog == 0)
    }

    @Test("An operator ends a connection: the client is told, a sleeping one is left in peace")
    func administrativeClose() throws {
        let conversation = try Conversation()
        _ = exchange(conversation, connect)
        conversation.broker.close("c1", .administrative)
        conversation.wait(.milliseconds(100))
        #expect(conversation.takeSent() == [[0x02, 0x18]])
        _ = exchange(conversation, connect)
        _ = exchange(conversation, [0x04, 0x18, 0x00, 0x3C])
        conversation.broker.close("c1", .administrative)
        conversation.wait(.milliseconds(100))
        #expect(conversation.takeSent() == [])
    }

    @Test("70: nobody is invited to a gateway that cannot serve, nor to one that has stopped")
    func advertisesWhileItServes() throws {
        var settings = MQTTSNSettings.quiet
        settings.advertiseInterval = 10
        settings.advertiseAddress = "192.0.2.65"
        let conversation = try Conversation(settings)
        let advertise: [UInt8] = [0x05, 0x00, 0x01, 0x00, 0x0A]
        #expect(conversation.takeSent() == [advertise])
        conversation.broker.canServe = false
        conversation.wait(.seconds(25))
        #expect(conversation.takeSent() == [])
        conversation.broker.canServe = true
        conversation.wait(.seconds(10))
        #expect(conversation.takeSent() == [advertise])
        conversation.loop.shutDown()
        conversation.wait(.seconds(25))
        #expect(conversation.takeSent() == [])
    }

    @Test("Profile zephyr: twenty names on one connection, no message beyond 255 octets") func twentyNames() throws {
        var settings = MQTTSNSettings.quiet
        settings.profile = .zephyr
        let conversation = try Conversation(settings)
        _ = exchange(conversation, connect)
        _ = exchange(conversation, [0x06, 0x12, 0x00, 0x00, 0x02, 0x23])
        for number in UInt8(1)...20 {
            try conversation.publish("\(number)", [0x68], .atMostOnce, retain: false)
            let register = try #require(conversation.takeSent().first)
            #expect(register[1] == 0x0A && register[3] == number)
            #expect(exchange(conversation, [0x07, 0x0B, 0x00, number, 0x00, number, 0x00]).map { $0[1] } == [0x0C])
        }
        try conversation.publish("one more", [0x68], .atMostOnce, retain: false)
        #expect(conversation.takeSent() == [])
        try conversation.publish("7", [UInt8](repeating: 0, count: 249), .atMostOnce, retain: false)
        #expect(conversation.takeSent() == [])
        try conversation.publish("7", [UInt8](repeating: 0, count: 248), .atMostOnce, retain: false)
        #expect(conversation.takeSent().map(\.count) == [255])
        #expect(conversation.broker.discarded.map(\.reason) == [.noTopicID, .tooLargeForReceiver])
    }

    @Test("A backlog of thousands at QoS 0 is handed over in order, a share of it per turn") func longBacklog() throws {
        let conversation = try Conversation()
        _ = exchange(conversation, connect)
        _ = exchange(conversation, [0x07, 0x12, 0x02, 0x00, 0x02, 0x61, 0x62])
        _ = exchange(conversation, [0x04, 0x18, 0x00, 0x3C])
        for number in 0..<3_000 { try conversation.broker.publish("ab", [UInt8(number >> 8), UInt8(number & 0xFF)]) }
        let sent = exchange(conversation, [0x04, 0x16, 0x63, 0x31])
        #expect(sent.count == 3_001)
        #expect(sent.last == [0x02, 0x17])
        #expect(sent.dropLast().map { Int($0[7]) << 8 | Int($0[8]) } == Array(0..<3_000))
    }

    @Test("Damaged datagrams from many ports neither trap nor loop nor stay") func damage() throws {
        let conversation = try Conversation()
        var generator = SeededGenerator(seed: 0xDA7A)
        let corpus = PacketTests.valid.map(\.octets)
        var sent = 0
        for round in 0..<10_000 {
            conversation.receive(generator.mutate(corpus[round % corpus.count]), from: "C\(round % 100)")
            if round.isMultiple(of: 100) { conversation.wait(.seconds(1)) }
            sent += conversation.takeSent().count
        }
        // Never more answers than questions, but for the repetitions of open requests.
        #expect(sent < 20_000)
        conversation.wait(.seconds(600))
        _ = conversation.takeSent()
        // A damaged CONNECT may have left a session of the same name, whose client is told.
        #expect(exchange(conversation, connect, from: "Z").last == [0x03, 0x05, 0x00])
    }
}
