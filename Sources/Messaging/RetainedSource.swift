/// Keeps the last values of its topics itself, where a retained message for each would take more memory than what it says is worth: a
/// gateway that tells something of each of very many devices keeps numbers, and makes messages of them for whoever asks.
///
/// Under its root a broker keeps nothing. What is published there with the retain flag goes to subscribers like any other message; who
/// subscribes, or reads a retained message, gets what the source says at that moment.
///
/// Called from any thread, with no lock of the broker held. A source answers from memory and calls nobody.
public protocol RetainedSource: AnyObject, Sendable {
    /// What all its topics begin with, and no others: levels with a `/` at the end, the first beginning with `$`.
    var root: String { get }

    /// What it has a message for, as `BrokerStatistics` tells it.
    var totals: (messages: Int, octets: Int) { get }

    /// The last value of one topic under the root.
    func message(of topic: TopicName) -> Message?

    /// Appends the last values whose topics match `filter` until `messages` has `limit` elements, in no particular order.
    func collect(_ filter: TopicFilter, limit: Int, into messages: inout [Message])
}
