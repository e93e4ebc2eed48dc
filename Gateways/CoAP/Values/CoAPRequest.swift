/// A request from a peer, complete: a payload sent in blocks (RFC 7959) has been put together, options have been checked.
package struct CoAPRequest: Sendable, Equatable {
    package let peer: CoAPPeer
    package let token: CoAPToken
    /// Sent as CON: the peer wants to know that it arrived.
    package let isConfirmable: Bool
    package var method: CoAPMethod
    /// Uri-Path, decoded, one entry per segment; empty segments are kept.
    package var path: [String]
    /// Uri-Query, decoded, one entry per option.
    package var queries: [String]
    package var contentFormat: ContentFormat?
    package var accept: ContentFormat?
    package var observe: ObserveRequest?
    /// ETags the client holds answers for (RFC 7252, 5.10.6.2).
    package var etags: [[UInt8]]
    /// If-Match values; an empty one means "whatever, as long as there is something" (RFC 7252, 5.10.8.1).
    package var ifMatch: [[UInt8]]
    package var ifNoneMatch: Bool
    package var payload: [UInt8]

    package init(
        peer: CoAPPeer, token: CoAPToken, isConfirmable: Bool, method: CoAPMethod, path: [String], queries: [String] = [],
        contentFormat: ContentFormat? = nil, accept: ContentFormat? = nil, observe: ObserveRequest? = nil,
        etags: [[UInt8]] = [], ifMatch: [[UInt8]] = [], ifNoneMatch: Bool = false, payload: [UInt8] = []
    ) {
        self.peer = peer
        self.token = token
        self.isConfirmable = isConfirmable
        self.method = method
        self.path = path
        self.queries = queries
        self.contentFormat = contentFormat
        self.accept = accept
        self.observe = observe
        self.etags = etags
        self.ifMatch = ifMatch
        self.ifNoneMatch = ifNoneMatch
        self.payload = payload
    }

    /// Name of this observation, should it become one.
    package var observer: CoAPObserver { CoAPObserver(peer: peer, token: token) }

    /// Value of the first query `name=value` under one of `names`; `""` for a bare `name`; nil when there is none.
    package func query(_ names: String...) -> String? {
        for query in queries {
            let parts = query.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = parts.first, names.contains(where: { $0 == name }) else { continue }
            return parts.count == 2 ? String(parts[1]) : ""
        }
        return nil
    }
}

/// Value of Observe in a request (RFC 7641, 2).
package enum ObserveRequest: UInt32, Sendable, Equatable {
    case register = 0
    case deregister = 1
}
