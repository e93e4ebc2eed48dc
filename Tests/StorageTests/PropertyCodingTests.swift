import Messaging
import TestKit
import Testing

@testable import Storage

@Suite struct PropertyCodingTests {
    private static let full: MessageProperties? = try? MessageProperties(
        payloadFormat: .utf8, contentType: "text/plain", responseTopic: TopicName("answers/1"),
        correlationData: [0, 255],
        userProperties: [UserProperty(name: "a", value: "1"), UserProperty(name: "a", value: "")])

    @Test func everythingComesBack() throws {
        let full = try #require(Self.full)
        let few = [
            MessageProperties(), MessageProperties(correlationData: []), MessageProperties(payloadFormat: .unspecified),
        ]
        for properties in [full] + few {
            #expect(PropertyCoding.decode(PropertyCoding.encode(properties)) == properties)
        }
    }

    @Test func damageIsNoTrap() throws {
        let octets = PropertyCoding.encode(try #require(Self.full))
        for length in 0..<octets.count { _ = PropertyCoding.decode(Array(octets.prefix(length))) }
        var random = SeededGenerator(seed: 1)
        for _ in 0..<10_000 {
            var damaged = octets
            damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            _ = PropertyCoding.decode(damaged)
        }
    }
}
