import CRuntime

/// References to one message, for as many receivers, counted in one step.
///
/// A message that goes to a thousand mailboxes would be counted a thousand times, while the threads of those who have got it already
/// give their references back: each step takes the line of memory from another processor. Whoever gets a copy here touches the
/// message no more.
///
/// Proof of `@unchecked Sendable`: the object is a message's, which threads may share; the references are its own, and it cannot be copied.
public struct MessageCopies: ~Copyable, @unchecked Sendable {
    private let object: Unmanaged<Message.Storage>
    /// Copies that nobody has taken.
    public private(set) var count: Int

    /// - Parameter count: from 1 to 2^30.
    public init(of message: consuming Message, count: Int) {
        // The first of them, so that the message is there while the others are counted.
        object = Unmanaged.passRetained(message.storage)
        self.count = count
        if count > 1 { _ = swift_retain_n(object.toOpaque(), UInt32(count - 1)) }
    }

    /// What nobody has taken is given back.
    deinit {
        if count > 0 { swift_release_n(object.toOpaque(), UInt32(count)) }
    }

    /// Takes one out. There must be one.
    public mutating func take() -> Message {
        precondition(count > 0, "no more copies are taken than were made")
        count -= 1
        return Message(storage: object.takeRetainedValue())
    }
}
