/// What blocks of one body have in common (RFC 7959, 2.2 and 2.4; RFC 9175, 3.3 for Request-Tag). The address takes the
/// place of the transport session, which may end between two blocks of a slow peer.
struct TransferKey: Hashable, Sendable {
    let endpoint: EndpointKey
    let method: CoAPMethod
    let path: [String]
    let queries: [String]
    let accept: ContentFormat?
    let requestTag: [UInt8]
}

/// A peer's address in binary form: cheap to hash, equal exactly for the same address, port and transport.
struct EndpointKey: Hashable, Sendable {
    /// The address as IPv6, an IPv4 address mapped; upper and lower half.
    let high: UInt64
    let low: UInt64
    let port: UInt16
    let scope: UInt32
}
