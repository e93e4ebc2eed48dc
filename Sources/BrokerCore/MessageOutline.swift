import Messaging

/// What a mailbox has to know of a message that it is given. Read once for all receivers: a message that goes to many is on the way to the
/// first of them by then, and its memory with other processors.
struct MessageOutline {
    /// As of the message.
    let octets: Int
    let expiresAt: Timestamp
    let qos: QoS
    let retain: Bool

    @inline(__always)
    init(_ message: borrowing Message) {
        octets = message.octets
        expiresAt = message.expiresAt
        qos = message.qos
        retain = message.retain
    }
}
