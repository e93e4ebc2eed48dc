import MQTTCodec

/// A hot path, and how often one run of it goes there.
enum Scenario: String, CaseIterable {
    /// PUBLISH of 3.1.1 at QoS 1 with 64 octets.
    case decode
    /// The same of 5.0 with four properties.
    case decodeProperties = "decode-properties"
    /// A delivery of 64 octets at QoS 1.
    case encode
    /// A publication that matches one of 10,000 subscriptions with wildcards.
    case match
    /// A publication to a new topic that is retained.
    case retain
    /// A subscription to one of 10,000 retained messages, which is taken, and its end.
    case readRetained = "read-retained"
    /// One copy of a publication at QoS 0 among 100, taken by its receiver.
    case fanOut = "fan-out"
    /// A message at QoS 1 from publisher to receiver and its acknowledgement.
    case deliver
    /// A message at QoS 0 among 100 that a publisher sends to one receiver at once.
    case burst
    /// The same where each goes to another topic, among 20,000 subscriptions with wildcards.
    case scatter

    var operations: Int {
        switch self {
        case .decode, .decodeProperties, .encode: 1_000
        case .match, .deliver, .retain, .readRetained: 500
        case .fanOut: 20 * FanOut.receivers
        case .burst: 20 * Burst.messages
        case .scatter: 20 * Scatter.messages
        }
    }

    /// Everything but the operations.
    func prepare() throws -> () -> Void {
        switch self {
        case .decode: try CodecScenario.decode(operations, .v311, properties: [])
        case .decodeProperties:
            try CodecScenario.decode(
                operations, .v5,
                properties: [
                    .messageExpiryInterval(60), .contentType("text/plain"), .responseTopic("answers/42"),
                    .userProperty(name: "site", value: "north"),
                ])
        case .encode: CodecScenario.encode(operations)
        case .match: try BrokerScenario.match(operations)
        case .retain: try BrokerScenario.retain(operations)
        case .readRetained: try BrokerScenario.readRetained(operations)
        case .fanOut: try FanOut.prepare(operations)
        case .deliver: try BrokerScenario.deliver(operations)
        case .burst: try Burst.prepare(operations)
        case .scatter: try Scatter.prepare(operations)
        }
    }
}
