/// What a request asks for (RFC 7252, 12.1.1 and RFC 8132, 2).
package enum CoAPMethod: UInt8, Sendable, Hashable, CaseIterable {
    case get = 1
    case post
    case put
    case delete
    case fetch
    case patch
    case ipatch
}

/// A message code: class (3 bits) and detail (5 bits), written `c.dd` (RFC 7252, 3).
///
///     7 6 5 4 3 2 1 0
///     class | detail
package struct CoAPCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    private init(_ group: UInt8, _ detail: UInt8) { rawValue = group << 5 | detail }

    /// 0 empty and requests, 2 success, 4 client error, 5 server error, 7 signalling.
    package var group: UInt8 { rawValue >> 5 }
    package var detail: UInt8 { rawValue & 0x1F }
    package var isSuccess: Bool { group == 2 }
    /// Success or error, as opposed to empty, request and signalling codes.
    package var isResponse: Bool { (2...5).contains(group) }

    package var description: String { "\(group).\(detail < 10 ? "0" : "")\(detail)" }

    package static let empty = CoAPCode(0, 0)
    package static let created = CoAPCode(2, 1)
    package static let deleted = CoAPCode(2, 2)
    package static let valid = CoAPCode(2, 3)
    package static let changed = CoAPCode(2, 4)
    package static let content = CoAPCode(2, 5)
    package static let `continue` = CoAPCode(2, 31)
    package static let badRequest = CoAPCode(4, 0)
    package static let unauthorized = CoAPCode(4, 1)
    package static let badOption = CoAPCode(4, 2)
    package static let forbidden = CoAPCode(4, 3)
    package static let notFound = CoAPCode(4, 4)
    package static let methodNotAllowed = CoAPCode(4, 5)
    package static let notAcceptable = CoAPCode(4, 6)
    package static let requestEntityIncomplete = CoAPCode(4, 8)
    package static let conflict = CoAPCode(4, 9)
    package static let preconditionFailed = CoAPCode(4, 12)
    package static let requestEntityTooLarge = CoAPCode(4, 13)
    package static let unsupportedContentFormat = CoAPCode(4, 15)
    package static let unprocessableEntity = CoAPCode(4, 22)
    package static let tooManyRequests = CoAPCode(4, 29)
    package static let internalServerError = CoAPCode(5, 0)
    package static let notImplemented = CoAPCode(5, 1)
    package static let serviceUnavailable = CoAPCode(5, 3)
    package static let gatewayTimeout = CoAPCode(5, 4)
    package static let proxyingNotSupported = CoAPCode(5, 5)
}
