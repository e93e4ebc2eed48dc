import CoAP
import Logging
import Messaging
import Synchronization

/// Answers commands nobody else would answer: to endpoints that are not registered, and with verbs their path cannot have.
///
/// A session of the gateway's own, subscribed to the commands of all endpoints. It takes what devices take too and keeps
/// quiet about it.
final class UnregisteredWatch: SessionOwner {
    private let context: GatewayContext
    private let attachment = Mutex<(any Attachment)?>(nil)
    private let isRegistered = Mutex<(@Sendable (String) -> Bool)?>(nil)
    private let isWoken = Atomic(false)
    private static let batch = 64

    init(context: GatewayContext) {
        self.context = context
    }

    /// - Parameter isRegistered: whether an endpoint has a device now.
    func start(_ isRegistered: @escaping @Sendable (String) -> Bool) {
        self.isRegistered.withLock { $0 = isRegistered }
        // Nobody's peer: the request comes from inside.
        let credentials = Credentials(
            clientID: ClientID(.lwm2m, ""), peer: Peer(address: "127.0.0.1:0", isLoopback: true, listener: "lwm2m")
        )
        let request = ConnectRequest(credentials: credentials, options: SessionOptions(cleanStart: true, expiry: .zero))
        context.broker.connect(request, owner: self) { [self] result in
            switch result {
            case .success(let connected): subscribe(connected.attachment)
            case .failure(let refusal):
                context.logger.warning(
                    "commands to devices that are not registered will go unanswered", [.reason: "\(refusal)"])
            }
        }
    }

    func stop() {
        let attachment = attachment.withLock { attachment in
            defer { attachment = nil }
            return attachment
        }
        attachment?.detach(.goodbye, expiry: nil)
    }

    private func subscribe(_ attachment: any Attachment) {
        self.attachment.withLock { $0 = attachment }
        // Also at depths a verb cannot have, which no device subscribes to. QoS 0: taken is done.
        let filters = CommandTopic.Verb.allCases.flatMap { verb in
            (0...ObjectPath.maximumDepth + 1).map { depth in
                "\(CommandTopic.prefix)/+/r/" + String(repeating: "+/", count: depth) + verb.rawValue
            }
        }
        let subscriptions = filters.compactMap { try? TopicFilter($0) }
            .map { Subscription(filter: $0, qos: .atMostOnce, retainHandling: .doNotSend) }
        _ = attachment.subscribe(subscriptions)
    }

    // MARK: SessionOwner

    func wake(_ client: UInt64) {
        guard !isWoken.exchange(true, ordering: .acquiringAndReleasing) else { return }
        context.server.perform { [weak self] in
            guard let self else { return }
            isWoken.store(false, ordering: .releasing)
            drain()
        }
    }

    func close(_ client: UInt64, _ reason: CloseReason) {
        attachment.withLock { $0 = nil }
        guard reason != .shutdown else { return }
        context.logger.warning(
            "commands to devices that are not registered will go unanswered", [.reason: "\(reason)"])
    }

    private func drain() {
        guard let attachment = attachment.withLock({ $0 }), let isRegistered = isRegistered.withLock({ $0 }) else {
            return
        }
        var deliveries: [Delivery] = []
        while attachment.take(Self.batch, into: &deliveries) == .more {}
        for delivery in deliveries { answer(delivery.message, isRegistered, attachment) }
    }

    private func answer(_ message: Message, _ isRegistered: (String) -> Bool, _ attachment: any Attachment) {
        let topic = message.topic.string
        guard let endpoint = CommandTopic.endpoint(of: topic) else { return }
        let error: CommandError
        if !isRegistered(endpoint) {
            error = .notRegistered
        } else if !CommandTopic.isSubscribedTo(topic) {
            error = .badTopic
        } else {
            return
        }
        context.statistics.commandsRefused.add()
        let report = Report(refused: topic, error)
        context.publisher.publish(CommandTopic.report(endpoint), report.json)
        context.publisher.reply(report, to: message, from: attachment)
    }
}
