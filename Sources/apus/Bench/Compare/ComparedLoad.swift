import LoadGenerator
import MQTTCodec

/// A load both brokers get.
struct ComparedLoad: Hashable, Encodable {
    enum Scenario: String, Encodable {
        case pairs, fanIn, fanOut, oneAtATime, wildcards, match, retained, idle, durable, durableAway, sleepers, start
    }

    /// How large and how long.
    struct Scale {
        var warmUp = Duration.seconds(1)
        var measured: Duration
        /// Divides numbers of clients, subscriptions and messages; above 1 only to try whether everything works.
        var divisor = 1
        func of(_ count: Int) -> Int { max(1, count / divisor) }
    }

    var scenario: Scenario
    var qos = 0
    var payloadOctets = 64
    /// Messages that each publisher keeps on the way, where they do not go one at a time. With more, a hundred publishers would
    /// overfill one receiver's mailbox (`limits.mailbox.online_messages`).
    var window = 100

    /// QoS 1 and 2 to sessions that outlive their connections are stored.
    var keepsMessages: Bool { scenario == .durable || scenario == .durableAway }

    /// Mosquitto is not asked to match in a million subscriptions, which takes it long and the budget is no share of its figure;
    /// nor does it know MQTT-SN.
    var comparesMosquitto: Bool { scenario != .match && scenario != .sleepers }

    /// Whether it can be put on a program that only moves octets (Tests/Floor).
    var hasFloor: Bool {
        switch scenario {
        case .pairs, .fanIn, .fanOut, .oneAtATime, .wildcards, .retained: qos < 2
        case .match, .idle, .durable, .durableAway, .sleepers, .start: false
        }
    }

    /// - Throws: `LoadError`.
    func run(against broker: MeasuredBroker, _ scale: Scale) async throws -> [RunResult] {
        var settings = LoadSettings()
        settings.port = broker.port
        settings.broker = try BrokerProcess(broker.processIdentifier)
        settings.qos = MQTTCodec.QoS(qosNumber: qos) ?? .atMostOnce
        settings.payloadOctets = payloadOctets
        settings.extent = .time(warmUp: scale.warmUp, measured: scale.measured)
        let generator = LoadGenerator(settings)
        return switch scenario {
        case .pairs: [try await generator.pairs(scale.of(50), window: window)]
        case .fanIn: [try await generator.fanIn(scale.of(100), window: window)]
        case .fanOut: [try await generator.fanOut(scale.of(1_000), window: window)]
        case .oneAtATime: [try await generator.latency(1, rate: nil)]
        case .wildcards: try await generator.wildcards(scale.of(100_000), window: window)
        case .match: try await generator.wildcards(scale.of(1_000_000), window: window)
        case .retained: try await generator.retained(scale.of(100_000), window: window)
        case .idle: [try await generator.idle(scale.of(5_000))]
        case .durable: [try await generator.durable(scale.of(50), window: window)]
        case .durableAway: try await durableAway(settings, scale)
        case .sleepers:
            try await generator.sleepers(scale.of(10_000), backlog: 0, udpPort: broker.port)
        case .start: []
        }
    }

    /// As many messages as are stored and fetched in some seconds; what time allows is no measure, as all have to be fetched again.
    private func durableAway(_ settings: LoadSettings, _ scale: Scale) async throws -> [RunResult] {
        var settings = settings
        settings.extent = .messages(scale.of(200_000))
        return try await LoadGenerator(settings).durableAway(scale.of(50), window: window)
    }
}
