import Messaging

/// The core's refusals in CoAP's words, with a sentence for the person at the other end.
enum Refusal {
    /// Seconds a client is to wait before it tries again (RFC 7252, 5.9.3.4).
    private static let retryAfter: UInt32 = 10

    static func response(_ refusal: ConnectRefusal) -> CoAPResponse {
        switch refusal {
        case .badCredentials: .error(.unauthorized, "user name or password are wrong")
        case .notAuthorized: .error(.unauthorized, "not allowed in")
        case .quotaExceeded: busy("too many sessions")
        case .shuttingDown: busy("the gateway is stopping")
        case .unavailable: busy("credentials cannot be checked right now")
        }
    }

    static func response(_ refusal: PublishRefusal, for principal: Principal) -> CoAPResponse {
        switch refusal {
        case .notAuthorized: forbidden("not allowed to publish here", principal)
        case .topicNotAllowed: .error(.forbidden, "this topic cannot be published to")
        case .tooLarge: .error(.requestEntityTooLarge, "the payload is too large")
        case .quotaExceeded: busy("the gateway can store no more")
        case .receiverFull: busy("the queue of a receiver is full")
        case .detached: busy("the session has ended")
        }
    }

    static func response(_ refusal: SubscribeRefusal, for principal: Principal) -> CoAPResponse {
        switch refusal {
        case .notAuthorized: forbidden("not allowed to observe this", principal)
        case .filterTooDeep: .error(.badRequest, "the topic has too many levels")
        case .quotaExceeded: busy("too many observations")
        case .noLocalOnShared: .error(.badRequest, "a shared filter cannot leave out one's own messages")
        case .detached: busy("the session has ended")
        }
    }

    static func response(_ reason: CloseReason) -> CoAPResponse {
        switch reason {
        case .takenOver: .error(.conflict, "another client uses this client id")
        case .silence: .error(.serviceUnavailable, "silent for too long")
        case .administrative: .error(.forbidden, "ended by an operator")
        case .shutdown: busy("the gateway is stopping")
        }
    }

    static func busy(_ sentence: String) -> CoAPResponse {
        var response = CoAPResponse.error(.serviceUnavailable, sentence)
        response.maxAge = retryAfter
        return response
    }

    /// Better credentials might help somebody who has shown none (RFC 7252, 5.9.2.2), but nobody else (5.9.2.4).
    private static func forbidden(_ sentence: String, _ principal: Principal) -> CoAPResponse {
        .error(principal.kind == .anonymous ? .unauthorized : .forbidden, sentence)
    }
}
