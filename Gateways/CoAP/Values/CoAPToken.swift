/// Ties an answer to its request: 0 to 8 octets chosen by the client (RFC 7252, 5.3.1).
package struct CoAPToken: Hashable, Sendable, CustomStringConvertible {
    /// The octets, first one highest.
    private let value: UInt64
    package let count: Int

    package static let maximumCount = 8

    /// Nil when there are more than 8 octets.
    package init?(_ octets: some Collection<UInt8>) {
        guard octets.count <= Self.maximumCount else { return nil }
        count = octets.count
        value = octets.reduce(0) { $0 << 8 | UInt64($1) }
    }

    package static let empty = CoAPToken(value: 0, count: 0)

    private init(value: UInt64, count: Int) {
        self.value = value
        self.count = count
    }

    /// A token of all 8 octets.
    init(serial: UInt64) { self.init(value: serial, count: Self.maximumCount) }

    package var octets: [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64(count - 1 - $0))) }
    }

    package var description: String {
        octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
