/// Names a session. MQTT and MQTT-SN clients share one space, as the same device may speak either; gateways whose
/// devices have names of another kind put a prefix before them, so that no device takes over another's session.
public struct ClientID: Hashable, Sendable, CustomStringConvertible {
    /// The prefixes. A client that chooses its whole id may not begin it with one.
    public enum Prefix: String, Sendable, CaseIterable {
        case coap = "coap:"
        case lwm2m = "lwm2m:"
    }

    public let string: String

    public init(_ string: String) { self.string = string }

    /// The id of a gateway's device; with an empty name that of the gateway's own session.
    public init(_ prefix: Prefix, _ name: String) { string = prefix.rawValue + name }

    /// Begins with one of the prefixes. Adapters whose clients choose the whole id refuse such ones.
    public var isReserved: Bool {
        Prefix.allCases.contains { string.utf8.starts(with: $0.rawValue.utf8) }
    }

    public var description: String { string }

    public static func == (left: ClientID, right: ClientID) -> Bool { left.string.hasSameOctets(as: right.string) }

    public func hash(into hasher: inout Hasher) { string.hashOctets(into: &hasher) }
}

extension ClientID? {
    /// Lends its octets, in UTF-8, to `body`; nil when there is none.
    @inlinable
    public func withOctets<Result, Failure>(
        _ body: (UnsafeRawBufferPointer?) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let self else { return try body(nil) }
        return try self.string.utf8.span.bytes.withUnsafeBytes { (octets) throws(Failure) in try body(octets) }
    }
}
