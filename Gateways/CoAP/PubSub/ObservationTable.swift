import Messaging

/// The observations of one client, and the subscriptions they need. Several observations may share a filter; the client's
/// session then holds one subscription for them, at the highest QoS asked for.
struct ObservationTable {
    struct Entry: Equatable {
        let observer: CoAPObserver
        let filter: TopicFilter
        let qos: QoS
        let accept: ContentFormat?
        /// Which registration of this token it is: what is heard about an earlier one is no longer meant for it.
        let registration: UInt64
    }

    /// What the broker has to be told.
    enum Change: Equatable {
        case none
        case subscribe(Subscription)
        case unsubscribe(TopicFilter)
    }

    private var entries: [CoAPObserver: Entry] = [:]
    /// Subscription identifiers (MQTT 5.0, 3.8.2.1.2), by which deliveries name the filters they matched.
    private var identifiers: [TopicFilter: UInt32] = [:]
    private var lastIdentifier: UInt32 = 0

    var isEmpty: Bool { entries.isEmpty }
    var observers: [CoAPObserver] { Array(entries.keys) }

    subscript(observer: CoAPObserver) -> Entry? { entries[observer] }

    /// Adds an observation, or moves a known one to another filter.
    /// - Returns: in this order, what to tell the broker.
    mutating func add(_ entry: Entry) -> [Change] {
        var changes: [Change] = []
        if let known = entries[entry.observer], known.filter != entry.filter {
            changes.append(remove(entry.observer, registration: known.registration))
        }
        let highest = highestQoS(of: entry.filter, without: entry.observer)
        let before = entries.updateValue(entry, forKey: entry.observer)
        guard let highest = [highest, before?.qos].compactMap({ $0 }).max(), highest >= entry.qos else {
            changes.append(.subscribe(subscription(entry.filter, entry.qos)))
            return changes
        }
        return changes
    }

    /// Removes an observation, if that registration is the current one.
    mutating func remove(_ observer: CoAPObserver, registration: UInt64) -> Change {
        guard let entry = entries[observer], entry.registration == registration else { return .none }
        entries[observer] = nil
        guard !entries.values.contains(where: { $0.filter == entry.filter }) else { return .none }
        identifiers[entry.filter] = nil
        return .unsubscribe(entry.filter)
    }

    /// The observations a delivery is for. A delivery that names no subscription is matched by its topic.
    func matching(_ delivery: Delivery) -> [Entry] {
        let ids = delivery.subscriptionIDs.array
        return entries.values.filter { entry in
            ids.isEmpty
                ? entry.filter.matches(delivery.message.topic)
                : identifiers[entry.filter].map(ids.contains) ?? false
        }
    }

    private func highestQoS(of filter: TopicFilter, without observer: CoAPObserver) -> QoS? {
        entries.values.filter { $0.filter == filter && $0.observer != observer }.map(\.qos).max()
    }

    /// The retained value of a single topic goes into the first answer; of a pattern there may be many, and they come as
    /// notifications.
    private mutating func subscription(_ filter: TopicFilter, _ qos: QoS) -> Subscription {
        let identifier = identifiers[filter] ?? nextIdentifier()
        identifiers[filter] = identifier
        return Subscription(
            filter: filter, qos: qos, retainHandling: filter.topicName == nil ? .send : .doNotSend, identifier: identifier)
    }

    /// 1...268,435,455
    private mutating func nextIdentifier() -> UInt32 {
        lastIdentifier = lastIdentifier % 268_435_455 + 1
        return lastIdentifier
    }
}
