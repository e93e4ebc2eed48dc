/// The payload of a message in the chaos: publisher, number, padding of a length that follows from the number, so that rows
/// of all sizes come about.
enum NumberedPayload {
    static func make(_ publisher: UInt32, _ number: UInt64) -> [UInt8] {
        let padding = number % 7 == 6 ? 180 : Int(number % 5) * 12
        return big(publisher) + big(number) + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: padding)
    }

    /// Nil when it is none, or not as it was sent.
    static func read(_ payload: [UInt8]) -> (publisher: UInt32, number: UInt64)? {
        guard payload.count >= 12 else { return nil }
        let publisher = payload[0..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let number = payload[4..<12].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return payload == make(publisher, number) ? (publisher, number) : nil
    }

    private static func big(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian, Array.init)
    }
}
