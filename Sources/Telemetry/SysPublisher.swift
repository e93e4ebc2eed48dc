package import Messaging

/// Publishes the $SYS topics, retained, each time the interval has passed; only what has changed.
package struct SysPublisher: Sendable {
    private let broker: any Broker
    private let version: String
    private let interval: Duration
    private let snapshot: @Sendable () -> GatewaySnapshot

    /// - Parameter snapshot: called once per interval, on a thread of the caller's task.
    package init(
        broker: any Broker, version: String, interval: Duration, snapshot: @escaping @Sendable () -> GatewaySnapshot
    ) {
        self.broker = broker
        self.version = version
        self.interval = interval
        self.snapshot = snapshot
    }

    /// Runs until its task is cancelled.
    package func run() async {
        var published: [String: String] = [:]
        while !Task.isCancelled {
            publishChanges(since: &published)
            // Cancellation ends the wait early; the loop's condition sees it.
            try? await Task.sleep(for: interval)
        }
    }

    /// One round. `published` holds what stands on each topic.
    func publishChanges(since published: inout [String: String]) {
        let now = broker.clock.now()
        var messages: [Message] = []
        for (topic, value) in SysTopics.values(of: snapshot(), version: version) where published[topic] != value {
            published[topic] = value
            guard let name = try? TopicName(topic) else {
                preconditionFailure("a $SYS topic is made of our own names, so it is a topic name: \(topic)")
            }
            messages.append(
                Message(topic: name, payload: Array(value.utf8), qos: .atLeastOnce, retain: true, publishedAt: now))
        }
        var outcomes: [PublishOutcome] = []
        broker.publish(messages, as: .gateway, via: TrafficReading.ownListener, outcomes: &outcomes)
    }
}
