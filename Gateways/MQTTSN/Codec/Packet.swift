import NIOCore

/// One MQTT-SN message (MQTT-SN 5.4), of 1.2 or of the draft of 2.0.
///
/// ```
/// ┌──────────────────────┬─────────┬──────────────────────────┐
/// │ Length               │ MsgType │ fields                   │
/// │ nn       (2..255)    │ 1 octet │ in the order of the      │
/// │ 01 nn nn (..65535)   │         │ structs below            │
/// └──────────────────────┴─────────┴──────────────────────────┘
/// ```
/// Integers are big endian; a name or a payload runs to the end of the message. One datagram is one message.
enum Packet: Equatable, Sendable {
    case advertise(Advertise)
    case searchGateway(radius: UInt8)
    case gatewayInfo(GatewayInfo)
    case connect(Connect)
    case connack(ReturnCode)
    case willTopicRequest
    /// `nil` is the two-octet form: no will, or delete the one there is (MQTT-SN 6.3).
    case willTopic(WillTopic?)
    case willMessageRequest
    case willMessage(ByteBuffer)
    case register(Register)
    case regack(Acknowledgement)
    case publish(Publish)
    case puback(Acknowledgement)
    case pubcomp(messageID: UInt16)
    case pubrec(messageID: UInt16)
    case pubrel(messageID: UInt16)
    case subscribe(Subscribe)
    case suback(Suback)
    case unsubscribe(Unsubscribe)
    case unsuback(messageID: UInt16)
    /// With a client id: "I am awake, send what you kept" (MQTT-SN 6.14).
    case pingreq(clientID: String?)
    case pingresp
    /// With a duration in seconds: the client goes to sleep (MQTT-SN 6.14).
    case disconnect(duration: UInt16?)
    case willTopicUpdate(WillTopic?)
    case willTopicResponse(ReturnCode)
    case willMessageUpdate(ByteBuffer)
    case willMessageResponse(ReturnCode)
    /// A message of a node behind a forwarder; FE in 1.2, FC in 2.0.
    case forwarderEncapsulation(ForwarderEncapsulation)

    // MARK: What 2.0 says in another way, or alone. REGISTER, REGACK, the acknowledgements and discovery are above.

    case connectDraft(ConnectDraft)
    case connackDraft(ConnackDraft)
    case auth(Auth)
    case publishDraft(PublishDraft)
    /// PUBWOS: published without a session.
    case publishWithoutSession(PublishDraft)
    case subscribeDraft(SubscribeDraft)
    case subackDraft(SubackDraft)
    case unsubscribeDraft(UnsubscribeDraft)
    case unsubackDraft(messageID: UInt16, reason: ReturnCode)
    case pubackDraft(messageID: UInt16, reason: ReturnCode)
    case pubrecDraft(messageID: UInt16, reason: ReturnCode)
    case pubrelDraft(messageID: UInt16, reason: ReturnCode)
    case pubcompDraft(messageID: UInt16, reason: ReturnCode)
    case pingreqDraft(messageID: UInt16)
    /// With what is left for the next waking; 255 for some.
    case pingrespDraft(messageID: UInt16, remaining: UInt8?)
    case disconnectDraft(DisconnectDraft)
    case sleepRequest(SleepRequest)
    case sleepResponse(SleepResponse)
    case wakeUp
    case connectionEncapsulation(ConnectionEncapsulation)
}

extension Packet {
    struct Advertise: Equatable, Sendable {
        var gatewayID: UInt8
        /// Seconds until the next ADVERTISE.
        var duration: UInt16
    }

    struct GatewayInfo: Equatable, Sendable {
        var gatewayID: UInt8
        /// Present when a client answers in the place of the gateway.
        var address = ByteBuffer()
    }

    struct Connect: Equatable, Sendable {
        /// The client has a will to hand over in the handshake that follows.
        var will: Bool
        var cleanSession: Bool
        /// Keep alive in seconds; 0 means no supervision.
        var duration: UInt16
        var clientID: String
    }

    struct WillTopic: Equatable, Sendable {
        var qos: PublishQoS
        var retain: Bool
        var topicName: String
    }

    struct Register: Equatable, Sendable {
        /// 0 when a client asks, the allotted id when the gateway tells.
        var topicID: UInt16
        var messageID: UInt16
        var topicName: String
    }

    /// The fields of REGACK and PUBACK.
    struct Acknowledgement: Equatable, Sendable {
        var topicID: UInt16
        var messageID: UInt16
        var returnCode: ReturnCode
    }

    struct Publish: Equatable, Sendable {
        var isDuplicate = false
        var qos: PublishQoS
        var retain = false
        var topicID: TopicID
        /// 0 at QoS 0 and -1.
        var messageID: UInt16
        var payload: ByteBuffer
        /// The name in place of an id, as 2.0 allows.
        var topicName: String?
    }

    /// What SUBSCRIBE and UNSUBSCRIBE name.
    enum Topic: Equatable, Sendable {
        case name(String)
        case predefined(UInt16)
        /// The two octets of a short topic name.
        case short(UInt16)
        /// An alias of the session, as 2.0 allows.
        case alias(UInt16)
        /// TopicIdType 11.
        case reserved
    }

    struct Subscribe: Equatable, Sendable {
        var isDuplicate = false
        var qos: PublishQoS
        var messageID: UInt16
        var topic: Topic
        /// What 2.0 lets a subscriber choose; nil for what 1.2 does.
        var options: SubscribeOptions?
    }

    struct SubscribeOptions: Equatable, Sendable {
        var noLocal = false
        var retainAsPublished = false
        /// 0 send, 1 send if new, 2 do not.
        var retainHandling: UInt8 = 0
    }

    struct Suback: Equatable, Sendable {
        /// The granted QoS.
        var qos: PublishQoS
        /// 0 when the filter holds a wildcard.
        var topicID: UInt16
        var messageID: UInt16
        var returnCode: ReturnCode
        /// The id is a predefined one, which 2.0 tells apart.
        var isPredefined = false
    }

    struct Unsubscribe: Equatable, Sendable {
        var messageID: UInt16
        var topic: Topic
    }

    /// A message carried by a forwarder on behalf of a wireless node (MQTT-SN 5.5).
    ///
    /// ```
    /// ┌────────┬────┬──────┬─────────┬────────────────────┐
    /// │ Length │ FE │ Ctrl │ node id │ a complete message │
    /// └────────┴────┴──────┴─────────┴────────────────────┘
    ///  counts up to the end of the node id, one octet only
    /// ```
    struct ForwarderEncapsulation: Equatable, Sendable {
        /// Broadcast radius, 0 to 3.
        var radius: UInt8
        var nodeID: ByteBuffer
        /// The carried message, not yet decoded.
        var message: ByteBuffer
    }
}
