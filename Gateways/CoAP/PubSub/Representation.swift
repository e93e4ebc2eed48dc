import Messaging

/// A message as a CoAP representation, and back.
enum Representation {
    /// What a client may keep a value for when nothing else is known (RFC 7252, 5.10.5).
    private static let defaultMaxAge: Int64 = 60

    /// The Content-Format of a message: the number of its content type, or nil when it has none or one without number.
    static func format(of message: Message) -> ContentFormat? {
        message.properties?.contentType.flatMap(ContentFormat.init(mediaType:))
    }

    static func properties(_ format: ContentFormat?) -> MessageProperties? {
        format.map { MessageProperties(contentType: $0.mediaType) }
    }

    /// Identifies a retained value: same payload and same type, same ETag.
    static func etag(of message: Message) -> [UInt8] {
        EntityTag.of(message.payload + Array((message.properties?.contentType ?? "").utf8))
    }

    /// Whether a client asking for `accept` can be given the message. A message without type has not been promised to be
    /// anything, and is given to everybody.
    static func isAcceptable(_ message: Message, _ accept: ContentFormat?) -> Bool {
        guard let accept, let format = format(of: message) else { return true }
        return accept == format
    }

    /// The retained value in answer to a GET.
    static func content(of message: Message, now: Timestamp) -> CoAPResponse {
        CoAPResponse(
            .content, contentFormat: format(of: message), etag: etag(of: message), maxAge: maxAge(of: message, now: now),
            payload: message.payload)
    }

    /// A message in a notification. The topic is named where the client observes a pattern and could not tell otherwise.
    static func notification(of message: Message, namesTopic: Bool) -> CoAPResponse {
        CoAPResponse(
            .content, contentFormat: format(of: message),
            locationPath: namesTopic ? TopicPath.path(of: message.topic) ?? [] : [], payload: message.payload)
    }

    /// Seconds, at most until the message expires.
    static func maxAge(of message: Message, now: Timestamp) -> UInt32 {
        guard message.expiresAt != .never else { return UInt32(defaultMaxAge) }
        return UInt32(clamping: min(max(0, message.expiresAt.since(now).components.seconds), defaultMaxAge))
    }
}
