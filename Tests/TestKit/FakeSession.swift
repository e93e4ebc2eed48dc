import Messaging
import Synchronization

/// One session of the fake broker. Only touched under the broker's lock.
///
/// `@unchecked Sendable`: instances never leave `FakeBroker.State`, which lives in a Mutex.
/// The registry, which attachments hold too, has a lock of its own.
final class FakeSession: @unchecked Sendable {
    fileprivate struct OnTheWay {
        var delivery: Delivery
        var isReceived = false
        var isToBeSentAgain = false
    }

    let clientID: ClientID
    let registry: FakeTopicIDRegistry
    var owner: FakeOwner?
    var will: Will?
    var expiry: Duration?
    var silence: Duration?
    var lastHeard = Timestamp(nanoseconds: 0)
    var reachability = Reachability.awake
    var subscriptions: [TopicFilter: Subscription] = [:]
    var awaitingRelease: Set<UInt16> = []
    private(set) var attachmentNumber = 0
    private var options = SessionOptions(cleanStart: true, expiry: .zero)
    private var queue: [Delivery] = []
    private var onTheWay: [OnTheWay] = []
    private var lastPacketID: UInt16 = 0
    private var isNotified = false

    init(clientID: ClientID, limit: Int) {
        self.clientID = clientID
        registry = FakeTopicIDRegistry(limit: limit)
    }

    var backlog: Int { queue.count + onTheWay.count }

    var snapshot: FakeBroker.SessionSnapshot {
        FakeBroker.SessionSnapshot(
            isAttached: owner != nil, filters: subscriptions.keys.map(\.string).sorted(),
            subscriptions: Array(subscriptions.values), will: will, reachability: reachability, silence: silence,
            backlog: backlog)
    }

    func attach(_ owner: FakeOwner, number: Int, options: SessionOptions, now: Timestamp) {
        self.owner = owner
        self.options = options
        attachmentNumber = number
        expiry = options.expiry
        silence = options.silence
        lastHeard = now
        reachability = .awake
        isNotified = false
        if options.will != nil || !options.keepsWill { will = options.will }
        for index in onTheWay.indices { onTheWay[index].isToBeSentAgain = true }
    }

    /// With another owner, as if the process had ended meanwhile.
    func sleepOn(_ owner: FakeOwner, number: Int, silence: Duration) {
        self.owner = owner
        self.silence = silence
        attachmentNumber = number
        for index in onTheWay.indices { onTheWay[index].isToBeSentAgain = true }
    }

    /// - Returns: the will in force.
    func detach() -> Will? {
        owner = nil
        attachmentNumber = 0
        return will
    }

    func removeAll() {
        queue = []
        onTheWay = []
    }

    /// - Returns: the owner when it has to be woken.
    func receive(_ message: Message) -> FakeOwner? {
        let matching = subscriptions.values.filter {
            $0.filter.matches(message.topic) && !($0.noLocal && message.publisher == clientID)
        }
        guard let granted = matching.map(\.qos).max() else { return nil }
        var identifiers = SubscriptionIDs.none
        for subscription in matching { identifiers.insert(subscription.identifier) }
        return enqueue(message, qos: granted, retain: false, identifiers)
    }

    func enqueue(_ message: Message, qos: QoS, retain: Bool, _ identifiers: SubscriptionIDs) -> FakeOwner? {
        let qos = min(qos, message.qos)
        guard owner != nil || qos > .atMostOnce || options.queuesQoS0WhileDetached else { return nil }
        queue.append(
            Delivery(message: message, qos: qos, packetID: 0, retain: retain, subscriptionIDs: identifiers))
        return ownerToWake()
    }

    func ownerToWake() -> FakeOwner? {
        guard reachability == .awake, !isNotified, owner != nil else { return nil }
        isNotified = true
        return owner
    }

    func take(_ limit: Int, into deliveries: inout [Delivery]) -> TakeResult {
        let end = deliveries.count + limit
        for index in onTheWay.indices where onTheWay[index].isToBeSentAgain && deliveries.count < end {
            onTheWay[index].isToBeSentAgain = false
            deliveries.append(onTheWay[index].resent)
        }
        while deliveries.count < end, let next = queue.first {
            if next.qos == .atMostOnce {
                deliveries.append(queue.removeFirst())
                continue
            }
            guard onTheWay.count < options.receiveMaximum else { break }
            lastPacketID = lastPacketID == .max ? 1 : lastPacketID + 1
            let numbered = Delivery(
                message: next.message, qos: next.qos, packetID: lastPacketID, retain: next.retain,
                subscriptionIDs: next.subscriptionIDs)
            queue.removeFirst()
            onTheWay.append(OnTheWay(delivery: numbered))
            deliveries.append(numbered)
        }
        if deliveries.count == end { return .more }
        isNotified = false
        return .drained
    }

    func settle(_ packetID: UInt16, _ settlement: Settlement) -> Bool {
        guard let index = onTheWay.firstIndex(where: { $0.delivery.packetID == packetID }) else { return false }
        switch settlement {
        case .received:
            guard onTheWay[index].delivery.qos == .exactlyOnce else { return false }
            onTheWay[index].isReceived = true
        case .completed:
            guard onTheWay[index].isReceived else { return false }
            onTheWay.remove(at: index)
        case .acknowledged, .refused:
            onTheWay.remove(at: index)
        case .returned:
            onTheWay[index].isToBeSentAgain = true
        }
        return true
    }

    /// - Returns: the owner when it has to be woken.
    func giveBack(_ delivery: Delivery) -> FakeOwner? {
        queue.insert(delivery, at: 0)
        return ownerToWake()
    }

    func discard(_ delivery: Delivery) {
        guard delivery.packetID != 0 else { return }
        onTheWay.removeAll { $0.delivery.packetID == delivery.packetID }
    }
}

extension FakeSession.OnTheWay {
    fileprivate var resent: Delivery {
        Delivery(
            message: delivery.message, qos: delivery.qos, packetID: delivery.packetID, retain: delivery.retain,
            isDuplicate: true, step: isReceived ? .release : .publish, subscriptionIDs: delivery.subscriptionIDs)
    }
}

/// Whom to wake for a client, and what the owner calls it.
struct FakeOwner {
    let owner: any SessionOwner
    let number: UInt64

    func wake() { owner.wake(number) }
    func close(_ reason: CloseReason) { owner.close(number, reason) }
}
