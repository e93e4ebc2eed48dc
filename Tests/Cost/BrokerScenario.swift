import BrokerCore
import Messaging

enum BrokerScenario {
    static func match(_ count: Int) throws -> () -> Void {
        let broker = try CoreBroker(clock: StoppedClock(), authenticator: LoopbackAuthenticator())
        let client = try LocalClient("subscriber", broker)
        for number in 0..<10_000 { try client.subscribe("sensors/\(number)/+/temperature", .atMostOnce) }
        let messages = try (0..<count).map { try message("sensors/\($0 * 19)/hall/temperature", .atMostOnce, broker) }
        return {
            for message in messages {
                publish(message, broker)
                client.take(expecting: 1)
            }
        }
    }

    static func deliver(_ count: Int) throws -> () -> Void {
        let broker = try CoreBroker(clock: StoppedClock(), authenticator: LoopbackAuthenticator())
        let (publisher, receiver) = (try LocalClient("publisher", broker), try LocalClient("receiver", broker))
        try receiver.subscribe("sensors/hall/temperature", .atLeastOnce)
        let message = try message("sensors/hall/temperature", .atLeastOnce, broker)
        return {
            for _ in 0..<count {
                publisher.publish(message)
                receiver.take(expecting: 1)
            }
        }
    }

    /// - Parameter count: messages of one run; each run has topics of its own.
    static func retain(_ count: Int) throws -> () -> Void {
        let broker = try CoreBroker(clock: StoppedClock(), authenticator: LoopbackAuthenticator())
        var messages = try retained(20 * count, broker)[...]
        return {
            for message in messages.prefix(count) { publish(message, broker) }
            messages = messages.dropFirst(count)
        }
    }

    static func readRetained(_ count: Int) throws -> () -> Void {
        let broker = try CoreBroker(clock: StoppedClock(), authenticator: LoopbackAuthenticator())
        let client = try LocalClient("reader", broker)
        let messages = try retained(10_000, broker)
        for message in messages { publish(message, broker) }
        let topics = (0..<count).map { messages[$0 * 19].topic.string }
        return {
            for topic in topics {
                try? client.subscribe(topic, .atMostOnce)
                client.take(expecting: 1)
                try? client.unsubscribe(topic)
            }
        }
    }

    private static func retained(_ count: Int, _ broker: CoreBroker) throws -> [Message] {
        try (0..<count).map { try message("sensors/\($0)/hall/temperature", .atMostOnce, broker, retain: true) }
    }

    static func message(
        _ topic: String, _ qos: QoS, _ broker: CoreBroker, retain: Bool = false
    ) throws -> Message {
        Message(
            topic: try TopicName(topic), payload: [UInt8](repeating: 0x78, count: 64), qos: qos, retain: retain,
            publishedAt: broker.clock.now())
    }

    static func publish(_ message: Message, _ broker: CoreBroker) {
        var outcomes: [PublishOutcome] = []
        broker.publish([message], as: .gateway, via: "cost", outcomes: &outcomes)
    }
}

/// Every message is published at the same moment: nothing expires, nothing is due.
private struct StoppedClock: GatewayClock {
    func now() -> Timestamp { Timestamp(nanoseconds: 1_000_000_000) }
    func wallClock() -> Duration { .seconds(1_700_000_000) }
}

enum FanOut {
    static let receivers = 100

    /// - Parameter count: copies.
    static func prepare(_ count: Int) throws -> () -> Void {
        let broker = try CoreBroker(clock: StoppedClock(), authenticator: LoopbackAuthenticator())
        let clients = try (0..<receivers).map { try LocalClient("receiver-\($0)", broker) }
        for client in clients { try client.subscribe("sensors/#", .atMostOnce) }
        let message = try BrokerScenario.message("sensors/hall/temperature", .atMostOnce, broker)
        return {
            for _ in 0..<count / receivers {
                BrokerScenario.publish(message, broker)
                for client in clients { client.take(expecting: 1) }
            }
        }
    }
}

enum Burst {
    static let messages = 100

    /// - Parameter count: messages.
    static func prepare(_ count: Int) throws -> () -> Void {
        let broker = try CoreBroker(clock: StoppedClock(), authenticator: LoopbackAuthenticator())
        let (publisher, receiver) = (try LocalClient("publisher", broker), try LocalClient("receiver", broker))
        try receiver.subscribe("sensors/hall/temperature", .atMostOnce)
        let messages = try (0..<messages).map { _ in
            try BrokerScenario.message("sensors/hall/temperature", .atMostOnce, broker)
        }
        return {
            for _ in 0..<count / messages.count {
                publisher.publish(messages)
                receiver.take(expecting: messages.count)
            }
        }
    }
}

/// `scatter`: as many messages as a turn of an event loop takes from one client, each to another topic.
enum Scatter {
    static let messages = 100
    /// More than stay in a processor's cache: the index goes through a batch in one go then.
    private static let subscriptions = 20_000
    private static let receivers = 10

    /// - Parameter count: messages.
    static func prepare(_ count: Int) throws -> () -> Void {
        let broker = try CoreBroker(clock: StoppedClock(), authenticator: LoopbackAuthenticator())
        let publisher = try LocalClient("publisher", broker)
        let clients = try (0..<receivers).map { try LocalClient("receiver-\($0)", broker) }
        for number in 0..<subscriptions {
            let place = "sensors/\(number + 10_000)"
            try clients[number % receivers].subscribe(
                number / receivers % 2 == 0 ? "\(place)/+/temperature" : "\(place)/#", .atMostOnce)
        }
        let batches = try (0..<count / messages).map { batch in
            try (0..<messages).map { place in
                let number = (batch * messages + place) * 7 % subscriptions + 10_000
                return try BrokerScenario.message("sensors/\(number)/hall/temperature", .atMostOnce, broker)
            }
        }
        return {
            for batch in batches {
                publisher.publish(batch)
                for client in clients { client.take(expecting: messages / receivers) }
            }
        }
    }
}
