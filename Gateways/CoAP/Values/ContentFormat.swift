/// Number of a payload's media type and coding (RFC 7252, 12.3; numbers as registered with IANA).
package struct ContentFormat: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let textPlain = ContentFormat(rawValue: 0)
    package static let linkFormat = ContentFormat(rawValue: 40)
    package static let octetStream = ContentFormat(rawValue: 42)
    package static let json = ContentFormat(rawValue: 50)
    package static let cbor = ContentFormat(rawValue: 60)
    package static let senMLJSON = ContentFormat(rawValue: 110)
    package static let senMLCBOR = ContentFormat(rawValue: 112)
    package static let lwm2mTLV = ContentFormat(rawValue: 11542)
    package static let lwm2mJSON = ContentFormat(rawValue: 11543)
    package static let lwm2mCBOR = ContentFormat(rawValue: 11544)

    /// The media type an MQTT 5.0 client reads as content type. Numbers without an entry travel as
    /// `application/vnd.coap-content-format;ct={number}`, so none is lost on the way through MQTT.
    package var mediaType: String {
        Self.mediaTypes[rawValue] ?? "\(Self.numberedPrefix)\(rawValue)"
    }

    /// The number of a media type, ignoring case and blanks; nil when it has none.
    package init?(mediaType: String) {
        let wanted = mediaType.lowercased().filter { $0 != " " }
        if let number = Self.numbers[wanted] {
            self.init(rawValue: number)
        } else if wanted.hasPrefix(Self.numberedPrefix), let number = UInt16(wanted.dropFirst(Self.numberedPrefix.count)) {
            self.init(rawValue: number)
        } else {
            return nil
        }
    }

    private static let numberedPrefix = "application/vnd.coap-content-format;ct="

    private static let mediaTypes: [UInt16: String] = [
        0: "text/plain;charset=utf-8", 40: "application/link-format", 41: "application/xml",
        42: "application/octet-stream", 47: "application/exi", 50: "application/json",
        51: "application/json-patch+json", 52: "application/merge-patch+json", 60: "application/cbor",
        61: "application/cwt", 62: "application/multipart-core", 63: "application/cbor-seq",
        110: "application/senml+json", 111: "application/sensml+json", 112: "application/senml+cbor",
        113: "application/sensml+cbor", 256: "application/coap-group+json",
        257: "application/concise-problem-details+cbor", 310: "application/senml+xml", 311: "application/sensml+xml",
        11542: "application/vnd.oma.lwm2m+tlv", 11543: "application/vnd.oma.lwm2m+json",
        11544: "application/vnd.oma.lwm2m+cbor",
    ]

    /// The other way round; plain `text/plain` is what most MQTT clients write.
    private static let numbers: [String: UInt16] = {
        var numbers = Dictionary(uniqueKeysWithValues: mediaTypes.map { ($1, $0) })
        numbers["text/plain"] = 0
        return numbers
    }()
}
