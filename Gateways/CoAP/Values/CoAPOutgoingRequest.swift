/// A request to a device, over the session the device itself opened. Sent confirmable; a long payload goes out in blocks
/// and a long answer is fetched in blocks, both without the caller's help.
package struct CoAPOutgoingRequest: Sendable, Equatable {
    package var method: CoAPMethod
    /// One entry per segment, at most 255 octets each.
    package var path: [String]
    package var queries: [String]
    package var contentFormat: ContentFormat?
    package var accept: ContentFormat?
    package var payload: [UInt8]

    package init(
        _ method: CoAPMethod, path: [String], queries: [String] = [], contentFormat: ContentFormat? = nil,
        accept: ContentFormat? = nil, payload: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.queries = queries
        self.contentFormat = contentFormat
        self.accept = accept
        self.payload = payload
    }
}

/// How a request to a device went.
package enum CoAPOutcome: Sendable, Equatable {
    /// The device answered, whatever the code.
    case response(CoAPResponse)
    /// No answer in time, or not even an acknowledgement after all retransmissions.
    case timeout
    /// The device answered RST: it does not know what to do with the message.
    case reset
    /// The transport session ended, or had ended before.
    case gone
    /// Too many requests to this device wait already (`CoAPLimits.requestsPerPeer`).
    case busy
    /// The answer, or the request, is longer than `CoAPLimits.bodyOctets`, or its blocks contradict each other.
    case unusable
}

/// What comes of observing a device.
package enum CoAPObservationEvent: Sendable, Equatable {
    /// First answer. Without `observe` in it the device answered but will not notify; the observation has then ended.
    case answered(CoAPResponse)
    /// A notification, newer than the one before (RFC 7641, 3.4).
    case notified(CoAPResponse)
    /// It never began, or is over: the device refused, reset, stayed silent at registration, or is gone.
    case ended(CoAPOutcome)
}

/// Names an observation of a device.
package struct CoAPObservation: Hashable, Sendable {
    let peer: CoAPPeer
    let token: CoAPToken
}

/// How a notification to a client went.
package enum CoAPNotificationOutcome: Sendable, Equatable {
    /// Acknowledged when confirmable, else handed to the network.
    case delivered
    /// The client answered RST: it has lost interest, the observation is over.
    case reset
    /// Never acknowledged: the observation is over (RFC 7641, 4.5).
    case timeout
    /// There is no such observation any more.
    case gone
    /// The one before is not acknowledged yet: ask again after its outcome (RFC 7641, 4.5.1: one at a time).
    case busy
}

/// How an observation by a client ended.
package enum CoAPObserverEnd: Sendable, Equatable {
    /// The client asked (Observe 1).
    case deregistered
    /// The client answered RST to a notification.
    case reset
    /// A confirmable notification was never acknowledged.
    case timeout
    /// The transport session ended.
    case peerGone
    /// The same token was registered again; the newer registration has taken its place.
    case replaced
    /// The server ended it, by a final error notification or by `endObservation`.
    case ended
}
