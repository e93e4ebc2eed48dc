/// Option numbers we read or write (RFC 7252, 12.2; RFC 7641, 6; RFC 7959, 6; RFC 7967, 5; RFC 9175, 6).
/// Odd numbers are critical: who does not understand them must not go on (RFC 7252, 5.4.1).
enum OptionNumber: UInt16, Sendable {
    case ifMatch = 1
    case uriHost = 3
    case etag = 4
    case ifNoneMatch = 5
    case observe = 6
    case uriPort = 7
    case locationPath = 8
    case uriPath = 11
    case contentFormat = 12
    case maxAge = 14
    case uriQuery = 15
    case hopLimit = 16
    case accept = 17
    case locationQuery = 20
    case block2 = 23
    case block1 = 27
    case size2 = 28
    case proxyURI = 35
    case proxyScheme = 39
    case size1 = 60
    case echo = 252
    case noResponse = 258
    case requestTag = 292

    var isCritical: Bool { rawValue & 1 == 1 }

    /// Lengths the standard allows; outside of them an option counts as not understood (RFC 7252, 5.4.3).
    var lengths: ClosedRange<Int> {
        switch self {
        case .ifMatch, .requestTag: 0...8
        case .uriHost, .proxyScheme: 1...255
        case .etag: 1...8
        case .ifNoneMatch: 0...0
        case .observe, .block1, .block2: 0...3
        case .uriPort, .contentFormat, .accept: 0...2
        case .locationPath, .uriPath, .uriQuery, .locationQuery: 0...255
        case .maxAge, .size1, .size2: 0...4
        case .hopLimit: 1...1
        case .proxyURI: 1...1034
        case .echo: 1...40
        case .noResponse: 0...1
        }
    }

    /// Options that may stand more than once. Another repeated one counts as not understood (RFC 7252, 5.4.5).
    var isRepeatable: Bool {
        switch self {
        case .ifMatch, .etag, .locationPath, .uriPath, .uriQuery, .locationQuery, .requestTag: true
        default: false
        }
    }
}
