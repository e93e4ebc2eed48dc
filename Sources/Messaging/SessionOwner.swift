/// The adapter's side of an attachment: the connection that empties the mailbox. One owner may have many clients, which it tells apart by
/// numbers of its own: with very many sleepers an object for each would be dear.
///
/// Both calls may come from any thread and while the caller is busy with many sessions: they must only take a note and
/// schedule, never call back into the broker on the spot. No lock of the core is held during the call.
public protocol SessionOwner: AnyObject, Sendable {
    /// Something the owner waits for has come: deliveries, a freed window, a commit point, the end of being held back.
    /// Called once until the owner has taken what there is.
    /// - Parameter client: the number in the request that attached it (`ConnectRequest.clientNumber`).
    func wake(_ client: UInt64)

    /// The attachment has ended from the core's side. The owner says goodbye in its protocol's words and closes; it need not
    /// call `detach`.
    func close(_ client: UInt64, _ reason: CloseReason)

    /// Owners with the same number other than 0 empty their mailboxes on the same thread. A message for very many is made once for each
    /// such lane, as threads that have one in common slow each other down.
    var lane: UInt8 { get }
}

extension SessionOwner {
    public var lane: UInt8 { 0 }
}

/// Why the core ended an attachment.
public enum CloseReason: Sendable, Equatable {
    /// Another connection opened with the same client id (MQTT-3.1.4-3).
    case takenOver
    /// Silent for longer than agreed: keep alive or sleep duration.
    case silence
    /// An operator or a changed right ended it.
    case administrative
    /// The gateway stops.
    case shutdown
}
