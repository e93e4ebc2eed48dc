/// Who publishes what, and who receives it.
///
/// A publisher goes round its topics, and deals its messages to its streams with them: message k has topic k mod `topics` and
/// belongs to stream (k mod `topics`) mod `streams`. Stream s of publisher p is stream s · `publishers` + p of the run; all its
/// messages take the same way, so receivers can check that none is missing, doubled or overtaken.
package struct Topology: Sendable, Equatable {
    package struct Subscriber: Sendable, Equatable {
        package var filters: [String]
        /// Streams that arrive here.
        package var streams: Range<Int>

        package init(filters: [String], streams: Range<Int>) {
            self.filters = filters
            self.streams = streams
        }
    }

    /// Topic of each publisher; `{}` in it stands for the number of the topic where there are several.
    package var publishers: [String]
    package var topics = 1
    package var streams = 1
    package var subscribers: [Subscriber]

    package init(publishers: [String], topics: Int = 1, streams: Int = 1, subscribers: [Subscriber]) {
        self.publishers = publishers
        self.topics = topics
        self.streams = streams
        self.subscribers = subscribers
    }

    /// Receivers of each message.
    var copies: Int {
        let arrivals = subscribers.reduce(0) { $0 + $1.streams.count }
        return arrivals / (publishers.count * streams)
    }

    /// n publishers to n subscribers, one to one.
    package static func pairs(_ count: Int, prefix: String) -> Topology {
        Topology(
            publishers: (0..<count).map { "\(prefix)/\($0)" },
            subscribers: (0..<count).map { Subscriber(filters: ["\(prefix)/\($0)"], streams: $0..<($0 + 1)) })
    }

    /// n publishers with a topic each to one subscriber of all.
    package static func fanIn(_ count: Int, prefix: String) -> Topology {
        Topology(
            publishers: (0..<count).map { "\(prefix)/\($0)" },
            subscribers: [Subscriber(filters: ["\(prefix)/+"], streams: 0..<count)])
    }

    /// One publisher to n subscribers.
    package static func fanOut(_ count: Int, prefix: String) -> Topology {
        Topology(
            publishers: ["\(prefix)/0"],
            subscribers: Array(repeating: Subscriber(filters: ["\(prefix)/0"], streams: 0..<1), count: count))
    }

    /// Ten publishers into n subscriptions with wildcards, of which each message matches one: half of them have `+` in the middle,
    /// half end in `#`. A hundred clients share them.
    package static func wildcards(_ count: Int, prefix: String) -> Topology {
        let publishers = min(10, count)
        let clients = min(100, count)
        let subscribers = (0..<clients).map { client in
            Subscriber(
                filters: stride(from: client, to: count, by: clients).map { number in
                    let place = "\(prefix)/\(PublishTemplate.digits(number))"
                    return number / clients % 2 == 0 ? "\(place)/+/t" : "\(place)/#"
                },
                streams: (client * publishers)..<((client + 1) * publishers))
        }
        return Topology(
            publishers: Array(repeating: "\(prefix)/{}/s/t", count: publishers), topics: count, streams: clients,
            subscribers: subscribers)
    }
}
