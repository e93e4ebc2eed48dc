import Messaging

/// Topic aliases towards one client, as many as it takes and the settings allow (MQTT 5.0, 3.3.2.3.4).
///
/// A topic has one place where its alias may be, found by its hash. It gets the alias when it comes a second time, and loses it
/// to another topic when that keeps coming in its stead:
///
///     free ──first time──▶ seen ──second time──▶ set ──others, more often──▶ seen (another topic)
struct OutgoingAliases {
    /// How a PUBLISH names its topic.
    enum Use: Equatable {
        case name
        /// Name and alias: from here on the alias stands for the name.
        case set(UInt16)
        case alias(UInt16)
    }

    private struct Place {
        let topic: TopicName
        var isSet = false
        var credit = 2

        mutating func used() { credit = min(credit + 1, 8) }
    }

    /// An alias takes three bytes, a shorter name no more.
    private static let shortestName = 4

    private var places: [Place?]

    /// Nil when no alias may be used (MQTT-3.1.2-27).
    init?(clientMaximum: UInt16, limit: UInt16) {
        let count = min(clientMaximum, limit)  // MQTT-3.1.2-26, MQTT-3.3.2-11
        guard count > 0 else { return nil }
        places = Array(repeating: nil, count: Int(count))
    }

    /// How to name the topic of `message` in its PUBLISH; to be followed by `sent` when that was written.
    mutating func use(for message: Message) -> Use {
        let index = message.withOctets { topic, _ in topic.count < Self.shortestName ? nil : self.index(of: topic) }
        guard let index else { return .name }
        guard var place = places[index] else {
            places[index] = Place(topic: message.topic)
            return .name
        }
        guard message.isNamed(place.topic) else {
            place.credit -= 1
            places[index] = place.credit == 0 ? Place(topic: message.topic) : place
            return .name
        }
        place.used()
        places[index] = place
        let alias = UInt16(index + 1)  // MQTT-3.3.2-8: never 0
        return place.isSet ? .alias(alias) : .set(alias)
    }

    /// The PUBLISH was written: what it set holds (MQTT-3.3.2-7: on this connection).
    mutating func sent(_ use: Use) {
        guard case .set(let alias) = use else { return }
        places[Int(alias) - 1]?.isSet = true
    }

    private func index(of topic: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: topic)
        return Int(UInt(bitPattern: hasher.finalize()) % UInt(places.count))
    }
}

extension OutgoingAliases.Use {
    /// To be written as a property.
    var number: UInt16? {
        switch self {
        case .name: nil
        case .set(let alias), .alias(let alias): alias
        }
    }

    var hidesName: Bool {
        if case .alias = self { true } else { false }
    }
}
