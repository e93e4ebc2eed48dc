import NIOCore

/// What MQTT-SN 2.0 says differently from 1.2, or says at all. Sections are those of committee specification draft 01.
extension Packet {
    /// A topic as PUBLISH, PUBWOS, SUBSCRIBE and UNSUBSCRIBE of 2.0 name it: two octets of alias, or a name.
    enum TopicReference: Equatable, Sendable {
        /// An alias of the session.
        case alias(UInt16)
        case predefined(UInt16)
        case name(String)
        /// Alias type 10, which 2.0 reserves.
        case reserved
    }

    struct ConnectDraft: Equatable, Sendable {
        struct Will: Equatable, Sendable {
            var topic: TopicReference
            var qos: PublishQoS
            var retain: Bool
            var payload: ByteBuffer
        }

        var cleanStart: Bool
        var mayChangeAddress = false
        /// The client takes what the server says about its keep alive and session expiry.
        var acceptsServerValues = false
        var messageID: UInt16
        /// Seconds; 0 is an error.
        var keepAlive: UInt16
        /// Octets; 0 for any, else at least 10.
        var maximumPacketSize: UInt16
        /// Messages sent in one waking; nil for all.
        var awakeMessages: UInt8?
        /// Seconds; nil for 0, the largest value for ever.
        var sessionExpiry: UInt32?
        var will: Will?
        var authentication: Authentication?
        /// Empty for one the server chooses.
        var clientID: String
    }

    /// Method and data, in CONNECT, CONNACK and AUTH.
    struct Authentication: Equatable, Sendable {
        var method: String
        /// Never printed.
        var data: ByteBuffer
    }

    struct ConnackDraft: Equatable, Sendable {
        var sessionPresent = false
        var messageID: UInt16
        var reason: ReturnCode
        var sessionExpiry: UInt32?
        var keepAlive: UInt16?
        var authentication: Authentication?
        /// The id the server has chosen; nil when the client has one.
        var assignedClientID: String?
    }

    struct Auth: Equatable, Sendable {
        var messageID: UInt16
        var reason: ReturnCode
        var authentication: Authentication
    }

    struct PublishDraft: Equatable, Sendable {
        /// Has a meaning at QoS 2 only.
        var isDuplicate = false
        var qos: PublishQoS
        var retain = false
        var topic: TopicReference
        /// 0 at QoS 0.
        var messageID: UInt16
        var payload: ByteBuffer
    }

    struct SubscribeDraft: Equatable, Sendable {
        var noLocal = false
        var qos: PublishQoS
        var retainAsPublished = false
        /// 0 send, 1 send if new, 2 do not; 3 is an error.
        var retainHandling: UInt8 = 0
        var messageID: UInt16
        var topic: TopicReference
    }

    struct SubackDraft: Equatable, Sendable {
        /// The alias of a plain name, or the one the client named; nil for a filter.
        var topic: TopicReference?
        var messageID: UInt16
        /// 00 to 02 is the granted QoS.
        var reason: ReturnCode
    }

    struct UnsubscribeDraft: Equatable, Sendable {
        var messageID: UInt16
        var topic: TopicReference
    }

    struct DisconnectDraft: Equatable, Sendable {
        var messageID: UInt16?
        var sessionExpiry: UInt32?
        var reason: ReturnCode?
        var text = ""
    }

    struct SleepRequest: Equatable, Sendable {
        /// The client will know its session aliases when it wakes.
        var keepsAliases: Bool
        var messageID: UInt16
        /// Seconds; 0 is an error.
        var duration: UInt32
    }

    struct SleepResponse: Equatable, Sendable {
        var messageID: UInt16
        /// What the server holds the client to, when that is another than it asked for.
        var duration: UInt32?
        var reason: ReturnCode
    }

    /// A message of a client that has moved, with its id (client to server only).
    struct ConnectionEncapsulation: Equatable, Sendable {
        var clientID: String
        /// The carried message, not yet decoded.
        var message: ByteBuffer
    }
}

/// Reason codes of 2.0, which are those of MQTT 5.0 and some of its own. A `ReturnCode` of a 2.0 message holds one.
extension ReturnCode {
    static let grantedQoS1 = Self(rawValue: 0x01)
    static let disconnectWithWill = Self(rawValue: 0x04)
    static let continueAuthentication = Self(rawValue: 0x18)
    static let reauthenticate = Self(rawValue: 0x19)
    static let unspecified = Self(rawValue: 0x80)
    static let malformed = Self(rawValue: 0x81)
    static let protocolError = Self(rawValue: 0x82)
    static let unsupportedVersion = Self(rawValue: 0x84)
    static let invalidClientID = Self(rawValue: 0x85)
    static let badCredentials = Self(rawValue: 0x86)
    static let notAuthorized = Self(rawValue: 0x87)
    static let serverUnavailable = Self(rawValue: 0x88)
    static let shuttingDown = Self(rawValue: 0x8B)
    static let badAuthenticationMethod = Self(rawValue: 0x8C)
    static let keepAliveTimeout = Self(rawValue: 0x8D)
    static let takenOver = Self(rawValue: 0x8E)
    static let invalidFilter = Self(rawValue: 0x8F)
    static let invalidTopicName = Self(rawValue: 0x90)
    static let unknownMessageID = Self(rawValue: 0x92)
    static let receiveMaximumExceeded = Self(rawValue: 0x93)
    static let packetTooLarge = Self(rawValue: 0x95)
    static let quotaExceeded = Self(rawValue: 0x97)
    static let administrative = Self(rawValue: 0x98)
    static let noSubscription = Self(rawValue: 0x11)
    static let unknownAlias = Self(rawValue: 0xF0)
    static let draftCongestion = Self(rawValue: 0xF1)
    static let protectionNotSupported = Self(rawValue: 0xF3)
    static let noVirtualConnection = Self(rawValue: 0xF4)
}
