import Messaging

/// Answers a GET from a retained message.
enum RetainedReader {
    static func answer(_ message: Message, to request: CoAPRequest, now: Timestamp) -> CoAPResponse {
        guard Representation.isAcceptable(message, request.accept) else {
            return .error(.notAcceptable, "the topic holds another content format")
        }
        let content = Representation.content(of: message, now: now)
        guard let etag = content.etag, request.etags.contains(etag) else { return content }
        // RFC 7252, 5.9.1.3: the client has it already.
        return CoAPResponse(.valid, etag: etag, maxAge: content.maxAge)
    }

    /// Whether a request may change the topic, by its conditions (RFC 7252, 5.10.8).
    static func meetsConditions(_ request: CoAPRequest, current: Message?) -> Bool {
        if request.ifNoneMatch, current != nil { return false }
        guard !request.ifMatch.isEmpty else { return true }
        guard let current else { return false }
        let etag = Representation.etag(of: current)
        return request.ifMatch.contains { $0.isEmpty || $0 == etag }
    }
}
