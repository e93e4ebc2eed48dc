/// An answer, or a notification: both ways, to a peer and from one.
///
/// A payload of any length may be given: the server cuts it into blocks as the client asks (RFC 7959) and keeps the body
/// for the blocks to come, with an ETag of its own making where none is set.
package struct CoAPResponse: Sendable, Equatable {
    package var code: CoAPCode
    package var contentFormat: ContentFormat?
    /// 1 to 8 octets.
    package var etag: [UInt8]?
    /// Seconds the answer stays fresh; the standard's default of 60 when nil (RFC 7252, 5.10.5).
    package var maxAge: UInt32?
    /// Observe of an answer received from a device; on the way out the server writes it itself.
    package var observe: UInt32?
    /// Location-Path, one entry per segment.
    package var locationPath: [String]
    /// Location-Query, one entry per option.
    package var locationQuery: [String]
    package var payload: [UInt8]

    package init(
        _ code: CoAPCode, contentFormat: ContentFormat? = nil, etag: [UInt8]? = nil, maxAge: UInt32? = nil,
        observe: UInt32? = nil, locationPath: [String] = [], locationQuery: [String] = [], payload: [UInt8] = []
    ) {
        self.code = code
        self.contentFormat = contentFormat
        self.etag = etag
        self.maxAge = maxAge
        self.observe = observe
        self.locationPath = locationPath
        self.locationQuery = locationQuery
        self.payload = payload
    }

    /// An error with a short sentence for the person reading it (diagnostic payload, RFC 7252, 5.5.2).
    package static func error(_ code: CoAPCode, _ diagnostic: String) -> CoAPResponse {
        CoAPResponse(code, payload: Array(diagnostic.utf8))
    }
}
