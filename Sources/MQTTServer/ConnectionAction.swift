import MQTTCodec
import Messaging

/// What a packet leads to. What is rare and large stands elsewhere (`indirect`), so that handing an action on moves little.
///
/// The handler performs it and reports results back to the machine where an answer depends on them.
enum ConnectionAction: Equatable {
    /// Ask the broker for the session; answer with `ConnectionMachine.opened` or `.refused`.
    indirect case open(Opening)
    /// Begin an authentication method; answer with `ConnectionMachine.challenge`, `.proven`, `.reauthenticated` or
    /// `.failedToProve`. Without opening the client is connected already.
    indirect case authenticate(Opening?, method: String, MQTTCodec.Secret)
    /// The client goes on with it; answer as above.
    case respond(MQTTCodec.Secret)
    /// Publish; answer with `ConnectionMachine.published` once the broker has decided.
    case publish(Publication)
    /// PUBREL: forget the identifier; answer with `ConnectionMachine.released`.
    case release(PacketIdentifier)
    /// The client reports on a delivery; answer with `ConnectionMachine.settled`.
    case settle(PacketIdentifier, Settlement)
    indirect case reply(Packet)
    /// The connection is over: say `goodbye` if there is a word for it, leave the session, close.
    indirect case end(goodbye: Packet?, DetachReason, expiry: SessionExpiryChange? = nil)
    case ignore
}

/// A CONNECT that is in order.
struct Opening: Equatable {
    let connect: Connect
    /// The client's own, or one made for it.
    let clientIdentifier: String
    /// In force, in seconds: the client's own, or what it is told; 0 for none.
    let keepAlive: UInt16
    /// Set when the client has proved who it is by an authentication method.
    var proof: Proof?

    struct Proof: Equatable {
        let principal: Principal
        let method: String
        /// What proves to the client who the server is.
        let data: MQTTCodec.Secret
    }
}

/// A PUBLISH that is in order.
struct Publication: Equatable {
    /// The name that its topic alias stands for; nil when it says its own.
    let alias: TopicName?
    let publish: Publish
}
