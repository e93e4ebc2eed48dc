public import DequeModule

/// Messages on their way into the broker, in order.
///
/// They are moved out one by one: the last mailbox that a message goes to gets the batch's own reference, so that for a message with
/// one receiver, as most have, none is counted. That is why a batch cannot be copied.
public struct MessageBatch: ~Copyable, Sendable {
    @usableFromInline var messages = UniqueDeque<Message>()

    @inlinable public init() {}

    /// Those of an array, in its order.
    public init(_ messages: [Message]) {
        self.messages.reserveCapacity(messages.count)
        for message in messages { append(message) }
    }

    /// Messages that have not been taken.
    @inlinable public var count: Int { messages.count }
    @inlinable public var isEmpty: Bool { messages.isEmpty }

    /// Counted from the first that has not been taken.
    @inlinable
    public subscript(index: Int) -> Message {
        @inline(__always) _read { yield messages[index] }
    }

    /// Adds one at the end.
    @inlinable
    public mutating func append(_ message: consuming Message) { messages.append(message) }

    /// Takes the next one out. The batch must not be empty.
    @inlinable
    public mutating func takeFirst() -> Message { messages.removeFirst() }
}
