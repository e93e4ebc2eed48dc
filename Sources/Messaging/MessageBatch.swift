import DequeModule

/// Messages on their way into the broker, in order.
///
/// They are moved out one by one: the last mailbox that a message goes to gets the batch's own reference, so that for a message with
/// one receiver, as most have, none is counted. That is why a batch cannot be copied.
public struct MessageBatch: ~Copyable, Sendable {
    private var messages: UniqueDeque<Message>

    public init() { messages = UniqueDeque() }

    public init(_ messages: [Message]) {
        self.messages = UniqueDeque(minimumCapacity: messages.count)
        for message in messages { self.messages.append(message) }
    }

    public var count: Int { messages.count }
    public var isEmpty: Bool { messages.isEmpty }

    /// Counted from the first that has not been taken.
    public subscript(index: Int) -> Message {
        _read { yield messages[index] }
    }

    public mutating func append(_ message: consuming Message) { messages.append(message) }

    /// The batch must not be empty.
    public mutating func takeFirst() -> Message { messages.removeFirst() }
}
