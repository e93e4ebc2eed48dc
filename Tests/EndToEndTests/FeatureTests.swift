import TestKit
import Testing

/// The optional habits, switched by settings of the built program.
@Suite struct FeatureTests {
    private static let settings = [
        "shared_subscriptions.strategy=hash_topic",
        #"rewrite=[{action: publish, source_topic: old/#, re: "^old/(.+)$", dest_topic: "new/$1"}]"#,
        #"auto_subscribe=[{topic: "clients/${clientid}/#", qos: 1}]"#,
    ]

    @Test func topicsAreRewrittenDelayedAndExclusive() async throws {
        let apus = try await RunningApus(Self.settings)
        let subscriber = try await Mosquitto.subscribe(apus, "$exclusive/new/#")
        let port = "\(try apus.port("mqtt.tcp"))"
        let second = try Program(
            "mosquitto_sub", ["-h", "127.0.0.1", "-p", port, "-V", "5", "-t", "$exclusive/new/#", "-W", "10", "-d"])
        // 151 is 0x97, quota exceeded.
        try await second.line { $0.contains("Subscribed (mid: 1): 151") }
        // Long enough that the second client has published before it is over, on a busy machine too.
        try await Mosquitto.publish(apus, "$delayed/6/old/later", [2])
        try await Mosquitto.publish(apus, "old/now", [1])
        let messages = try await subscriber.messages(2)
        #expect(messages.map(\.topic) == ["new/now", "new/later"])
        #expect(messages.map(\.payload) == [[1], [2]])
        #expect(try await apus.stop() == 0)
    }

    @Test func clientsAreSubscribedWhenTheyConnect() async throws {
        let apus = try await RunningApus(Self.settings)
        let client = try await Mosquitto.subscribe(apus, "unrelated", ["-i", "c1"])
        try await Mosquitto.publish(apus, "clients/c2/x", [1])
        try await Mosquitto.publish(apus, "clients/c1/x", [2])
        #expect(try await client.messages(1) == [MosquittoMessage(qos: 1, topic: "clients/c1/x", payload: [2])])
    }

    @Test(arguments: [
        (
            #"rewrite=[{action: all, source_topic: a/#, re: "(", dest_topic: b}]"#,
            #"apus: rewrite.0 has "(", which is no regular expression (--set rewrite): write one such as ^sensors/(.+)$"#
        ),
        (
            "auto_subscribe=[{topic: a/#/b}]",
            #"apus: auto_subscribe.0.topic is "a/#/b", which is no topic filter (--set auto_subscribe): "#
                + "write one such as clients/${clientid}/#"
        ),
    ])
    func aWrongRuleIsOneSentence(setting: String, sentence: String) async throws {
        let program = try RunningApus.start(["check", "--set", setting])
        #expect(try await program.exitStatus() == 78)
        #expect(program.errorLines == [sentence])
    }
}
