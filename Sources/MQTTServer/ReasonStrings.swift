import MQTTCodec
import Messaging

/// What a reason code leaves open, in a few words for whoever looks into why a device does not work (MQTT 5.0, 3.2.2.3.9 and its
/// siblings). Nil where the code says it all.

extension Properties {
    static func reason(_ text: String?) -> Properties { text.map { [.reasonString($0)] } ?? [] }
}

extension PublishRefusal {
    var reasonString: String? {
        switch self {
        case .topicNotAllowed: "the topic has too many levels or is the server's own"
        case .tooLarge: "the payload is too large"
        case .quotaExceeded: "no more can be kept"
        case .receiverFull: "the queue of a receiver is full"
        case .notAuthorized, .detached: nil
        }
    }
}

extension SubscribeOutcome {
    var reasonString: String? {
        switch self {
        case .refused(.filterTooDeep): "the topic filter has too many levels"
        case .refused(.quotaExceeded): "the session has too many subscriptions"
        case .refused(.noLocalOnShared): "no local cannot be asked for on a shared subscription"
        case .granted, .refused(.notAuthorized), .refused(.detached): nil
        }
    }
}

extension DecodeError {
    /// One sentence of the standard's words.
    var reasonString: String {
        switch self {
        case .malformedLength: "a length has more bytes than it may"
        case .packetTooLarge(_, let limit): "the packet is larger than \(limit) bytes"
        case .reservedPacketType: "this packet type is not in use"
        case .reservedFlags(let type): "the flags of \(type) are fixed"
        case .unexpectedPacket(let type): "\(type) may not come here"
        case .truncated(let type): "\(type) ends inside a field"
        case .trailingBytes(let type): "\(type) goes on after its last field"
        case .malformedString: "a text is not UTF-8 or holds U+0000"
        case .zeroPacketIdentifier(let type): "the packet identifier of \(type) is 0"
        case .invalidQoS: "QoS 3 does not exist"
        case .duplicateAtMostOnce: "DUP is set at QoS 0"
        case .invalidFlags(let type): "a flag or option of \(type) has a value it may not have"
        case .tooManyFields(let type): "\(type) has too many filters or properties"
        case .unknownProtocolName, .unsupportedProtocolVersion: "MQTT 3.1, 3.1.1 and 5.0 are spoken here"
        case .invalidTopicName: "a topic name is empty or holds a wildcard"
        case .invalidTopicFilter: "a topic filter is empty"
        case .noTopicFilters(let type): "\(type) has no topic filter"
        case .noLocalOnShared: "no local cannot be asked for on a shared subscription"
        case .unknownProperty(let identifier): "there is no property \(identifier)"
        case .misplacedProperty(let property): "\(property) may not stand here"
        case .repeatedProperty(let property): "\(property) stands twice"
        case .invalidPropertyValue(let property): "\(property) has a value it may not have"
        case .missingAuthenticationMethod: "the authentication method is missing"
        case .zeroTopicAlias: "a topic alias is 0"
        case .invalidReasonCode(let code, let type): "reason code \(code) may not stand in \(type)"
        }
    }
}
