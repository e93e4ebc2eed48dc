import CLinux
import Messaging

/// Looking for the messages of many topics.
///
/// Among very many topics memory is waited for three times, one after the other: for a place in the table, for the reference that belongs to
/// it, for the message. What different topics wait for has nothing to do with each other, so all searches go on at one pace: when the
/// last has asked memory for its line, that of the first has come.
extension RetainedStore {
    /// Octets of a message that are asked for: its fields, its names, and the payload of a short one.
    private static let prefetchedOctets = 192

    /// Appends the messages of those of `subscriptions` that name a topic.
    func collect(for subscriptions: [Subscription], into copies: inout [RetainedCopy]) {
        withUnsafeTemporaryAllocation(of: Tree.View.Search.self, capacity: subscriptions.count) { searches in
            tree.withView { tree in
                for (index, subscription) in subscriptions.enumerated() {
                    searches.initializeElement(at: index, to: Self.begin(subscription.filter, tree))
                }
                for index in searches.indices { tree.settle(&searches[index]) }
            }
            messages.withUnsafeBufferPointer { messages in
                for search in searches { messages.prefetch(search.node) }
                for search in searches where search.node != LevelNode.none {
                    Self.prefetch(messages, Int(search.node))
                }
            }
            for index in searches.indices where subscriptions[index].filter.isPlainName {
                let message = subscriptions[index].filter.withPattern { (topic) -> Message? in
                    self.message(of: topic, guess: searches[index].node)
                }
                if let message { copies.append(RetainedCopy(message: message, subscription: index)) }
            }
        }
    }

    @inline(__always)
    private static func begin(_ filter: TopicFilter, _ tree: Tree.View) -> Tree.View.Search {
        filter.isPlainName ? filter.withPattern { tree.beginSearch(Levels($0)) } : .inVain
    }

    /// Asks memory for the message at `index`, whose reference, counted by nobody, is its address.
    @inline(__always)
    private static func prefetch(_ messages: UnsafeBufferPointer<Message?>, _ index: Int) {
        let address = UnsafeRawPointer(messages.baseAddress.unsafelyUnwrapped + index).load(as: UnsafeRawPointer?.self)
        guard let address else { return }
        for offset in stride(from: 0, to: prefetchedOctets, by: 64) { linux_prefetch(address + offset) }
    }
}
