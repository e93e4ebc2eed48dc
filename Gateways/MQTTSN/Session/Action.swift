import Messaging
import NIOCore

/// What a machine wants done. `Device` performs them, in order, without deciding anything.
enum Action: Equatable {
    /// Send to the client.
    case send(Packet)
    /// Send the answer that lets the client sleep, once the deadline of its sleep is stored.
    case sendWhenAsleep(Packet)
    /// Send what was left unanswered once more.
    case sendAgain(Packet)
    /// Nothing the client may send in its state: only count it.
    case ignore

    // MARK: Opening

    /// Ask the broker for the session.
    case open(WillChoice)
    /// The handshake or the opening failed: nothing of this connection is to be remembered.
    case abandon

    // MARK: Requests of the client that the core answers

    case register(Packet.Register)
    case publish(Packet.Publish)
    /// A publication that was accepted before: only acknowledge it again.
    case acknowledgeAgain(Packet.Publish)
    case release(messageID: UInt16)
    /// - `isRepetition`: its SUBACK was lost; retained messages are not to come twice.
    case subscribe(Packet.Subscribe, isRepetition: Bool)
    case unsubscribe(Packet.Unsubscribe)
    case updateWillTopic(Packet.WillTopic?)
    case updateWillMessage(ByteBuffer)

    /// The client shows anew who it is (2.0).
    case authenticate(Packet.Auth)

    // MARK: Deliveries to the client

    case settle(packetID: UInt16, Settlement)
    case discard(Outgoing, DropReason)
    /// A delivery at QoS 0 that was not sent: back to the head of the mailbox.
    case giveBack(Outgoing)
    /// A name whose REGISTER was left unanswered is not offered again on this connection.
    case parked(topicID: UInt16)
    /// The client knows, or does not know any more, a normal topic id.
    case setKnown(topicID: UInt16, Bool)
    /// The client will not know any alias of its session (2.0).
    case forgetAliases

    // MARK: Liveness and end

    case supervise(Reachability, silence: Duration?)
    /// A sleeper has not woken when it said it would; its tolerance has begun.
    case late
    /// The client has broken the protocol (2.0): it is told why, and the connection ends.
    case reject(ReturnCode)
    /// End of the connection, with the reason the core is told.
    case detach(DetachReason)
}

/// What CONNECT and the will handshake say about the will (MQTT-SN 6.3).
enum WillChoice: Equatable {
    /// No will flag: a clean session has none, another keeps the one stored.
    case unchanged
    /// An empty WILLTOPIC.
    case removed
    case set(Packet.WillTopic, ByteBuffer)
}

/// A delivery on its way to the client.
struct Outgoing: Equatable {
    let delivery: Delivery

    static func == (left: Self, right: Self) -> Bool {
        left.delivery.message.isSame(as: right.delivery.message) && left.delivery.packetID == right.delivery.packetID
    }
}

/// How a delivery's topic can be named to the client.
enum TopicNaming: Equatable {
    /// The client knows this id.
    case known(TopicID)
    /// By its name, in every message (2.0).
    case byName
    /// The client has to be told this normal id first.
    case unknown(UInt16)
    /// No id is left.
    case unavailable
}
