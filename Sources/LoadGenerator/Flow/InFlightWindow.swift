/// The messages of one publisher that are on the way: begun, and not yet arrived everywhere.
struct InFlightWindow {
    private struct Message {
        var begun: UInt64 = 0
        /// Arrivals still to come: one for each receiver, and the broker's acknowledgement.
        var open: UInt32 = 0
    }

    /// Messages on the way at most.
    private(set) var capacity: Int
    /// The ordinal of the next message.
    private(set) var next: UInt64 = 0
    /// The oldest message that is on the way; `next` without any.
    private(set) var oldest: UInt64 = 0
    private var messages: [Message]
    private let mask: UInt64

    init(capacity: Int) {
        self.capacity = max(1, capacity)
        var size = 1
        while size < capacity { size *= 2 }
        messages = [Message](repeating: Message(), count: size)
        mask = UInt64(size - 1)
    }

    var hasRoom: Bool { next - oldest < UInt64(capacity) }
    var isEmpty: Bool { next == oldest }

    /// Narrows the window to what the broker takes.
    mutating func narrow(to capacity: Int) { self.capacity = max(1, min(self.capacity, capacity)) }

    /// - Returns: the ordinal of the new message.
    mutating func begin(at now: UInt64, arrivals: Int) -> UInt64 {
        defer { next += 1 }
        messages[Int(next & mask)] = Message(begun: now, open: UInt32(arrivals))
        return next
    }

    /// One of the arrivals has come.
    /// - Returns: when the message began; nil for one that is not on the way.
    mutating func arrive(_ ordinal: UInt64) -> UInt64? {
        guard ordinal >= oldest, ordinal < next else { return nil }
        let index = Int(ordinal & mask)
        guard messages[index].open > 0 else { return nil }
        messages[index].open -= 1
        let begun = messages[index].begun
        while oldest < next, messages[Int(oldest & mask)].open == 0 { oldest += 1 }
        return begun
    }

    // MARK: Packet identifiers

    /// Identifiers go round 1...65,535, whatever is on the way.
    static func identifier(of ordinal: UInt64) -> UInt16 { UInt16(ordinal % 65_535) + 1 }

    /// The message on the way that has the identifier.
    func ordinal(of identifier: UInt16) -> UInt64? {
        guard identifier > 0 else { return nil }
        let ahead = (UInt64(identifier - 1) + 65_535 - oldest % 65_535) % 65_535
        return oldest + ahead < next ? oldest + ahead : nil
    }
}
