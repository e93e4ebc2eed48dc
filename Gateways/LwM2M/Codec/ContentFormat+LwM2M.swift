import CoAP

extension ContentFormat {
    /// The number TLV had before it was registered; early clients still send it.
    static let earlyTLV = ContentFormat(rawValue: 1542)

    var isTLV: Bool { self == .lwm2mTLV || self == .earlyTLV }
}
