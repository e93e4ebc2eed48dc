import DequeModule
import Messaging

/// The deliveries of one session that are on the way: sent at QoS 1 or 2 and not settled (MQTT 5.0, 4.3, 4.9).
///
/// Deliveries come in the order of their packet identifiers, so the slot of an identifier is found by subtraction:
///
///     first = 7        slots  [ 7 sent | – | 9 released | 10 sent ]
///
/// A settled slot stays as a hole until all before it are settled; a delivery that was dropped unsent leaves one, too.
struct DeliveryWindow: ~Copyable {
    struct Slot {
        /// What is to be sent again, should this connection end; nil when the session ends with it.
        var entry: Mailbox.Entry?
        /// Of the message, held or not.
        let octets: UInt32
        let qos: QoS
        /// The receiver has confirmed having the message (PUBREC); only its release is open.
        var isReleased = false
        /// To be sent (again) by the next `take`.
        var needsSending = false

        var standing: Standing {
            Standing(
                qos: qos, sequence: entry?.sequence ?? 0, isStored: entry?.isStored ?? false, isReleased: isReleased,
                isForgotten: isForgotten, needsSending: needsSending)
        }

        var isForgotten: Bool {
            if case .none = entry { true } else { false }
        }
    }

    private static let identifiers = 65_535

    private var slots = UniqueDeque<Slot?>()
    /// Octets of the messages on the way.
    private(set) var octets = 0
    private var used: Int32 = 0
    /// Deliveries that are to be sent again.
    private(set) var toResend: Int32 = 0
    /// Those of them of which only the release is open.
    private var releasesToResend: Int32 = 0
    /// No slot before these is to be sent again: as a release, as a message.
    private var nextRelease: Int32 = 0
    private var nextMessage: Int32 = 0
    /// Identifier of the first slot.
    private var first: UInt16 = 1

    /// Deliveries on the way.
    var count: Int { Int(used) }

    /// Whether a delivery may go out under `identifier`: not while it is in use, a full circle of identifiers ago.
    func hasRoom(for identifier: UInt16) -> Bool {
        slots.isEmpty || Self.distance(from: first, to: identifier) >= slots.count
    }

    /// Adds a delivery, for whose identifier there is room.
    /// - Parameter octets: of its message.
    @inline(__always)  // the slot is made where it is to lie
    mutating func append(_ entry: consuming Mailbox.Entry, _ identifier: UInt16, octets: Int, isReleased: Bool = false)
    {
        makeRoom(for: identifier, octets)
        let qos = entry.qos
        slots.append(
            Slot(entry: entry, octets: UInt32(truncatingIfNeeded: octets), qos: qos, isReleased: isReleased))
    }

    /// Adds a delivery that is never sent again, so that its message need not be held.
    /// - Parameter octets: of its message.
    mutating func append(forgotten qos: QoS, _ identifier: UInt16, octets: Int) {
        makeRoom(for: identifier, octets)
        slots.append(Slot(entry: nil, octets: UInt32(truncatingIfNeeded: octets), qos: qos))
    }

    @inline(__always)
    private mutating func makeRoom(for identifier: UInt16, _ octets: Int) {
        if slots.isEmpty { first = identifier }
        let index = Self.distance(from: first, to: identifier)
        while slots.count < index { slots.append(nil) }
        used += 1
        self.octets += octets
    }

    /// What is known of a delivery beside its message. Asked for with each settlement, so the message itself is not touched.
    struct Standing {
        let qos: QoS
        let sequence: UInt64
        let isStored: Bool
        let isReleased: Bool
        fileprivate let isForgotten: Bool
        fileprivate let needsSending: Bool
    }

    /// How the delivery under `identifier` stands; nil when there is none.
    func standing(of identifier: UInt16) -> Standing? {
        guard let index = index(of: identifier) else { return nil }
        return slots[index]?.standing
    }

    /// Marks a delivery as confirmed by the receiver.
    mutating func release(_ identifier: UInt16) {
        guard let index = index(of: identifier), let slot = slots[index]?.standing, !slot.isReleased else { return }
        slots[index]?.isReleased = true
        guard slot.needsSending else { return }
        releasesToResend += 1
        nextRelease = min(nextRelease, Int32(index))
    }

    /// The store has a delivery from now on.
    mutating func markStored(_ identifier: UInt16, commit: CommitPoint) {
        guard let index = index(of: identifier) else { return }
        slots[index]?.entry?.isStored = true
        slots[index]?.entry?.commit = commit
    }

    /// Lets the next `take` send it again.
    mutating func markForResending(_ identifier: UInt16) {
        if let index = index(of: identifier) { mark(index) }
    }

    private mutating func mark(_ index: Int) {
        guard let slot = slots[index]?.standing, !slot.needsSending, !slot.isForgotten else { return }
        slots[index]?.needsSending = true
        toResend += 1
        if slot.isReleased { releasesToResend += 1 }
        nextRelease = min(nextRelease, Int32(index))
        nextMessage = min(nextMessage, Int32(index))
    }

    /// Lets the next `take` send everything on the way again, as after a new connection (MQTT-4.4.0-1).
    mutating func markAllForResending() {
        for index in slots.indices { mark(index) }
    }

    /// Takes out what cannot be sent again.
    /// - Returns: how many deliveries.
    mutating func removeForgotten() -> Int {
        let before = count
        for index in slots.indices where slots[index]?.standing.isForgotten == true {
            if let slot = take(at: index) { discount(slot) }
        }
        removeHoles()
        return before - count
    }

    /// Whether `nextToResend` would return something.
    func mayResend(within limit: Int) -> Bool {
        releasesToResend > 0 || (toResend > 0 && Int(used - toResend) < limit)
    }

    /// The oldest release that is to be sent again, after them the oldest message (MQTT-4.6.0-1), which is thereby counted as sent.
    ///
    /// A new connection may take fewer messages at once than the one before: they are sent as far as `limit`, the receive
    /// maximum, goes (MQTT-3.3.4-9). Releases do not wait for that (MQTT-3.3.4-10), and so come first.
    mutating func nextToResend(within limit: Int) -> (identifier: UInt16, entry: Mailbox.Entry, isReleased: Bool)? {
        guard mayResend(within: limit) else { return nil }
        let isRelease = releasesToResend > 0
        var index = Int(isRelease ? nextRelease : nextMessage)
        while index < slots.count {
            defer { index += 1 }
            guard let slot = slots[index], slot.needsSending, slot.isReleased == isRelease, let entry = slot.entry else {
                continue
            }
            slots[index]?.needsSending = false
            toResend -= 1
            if isRelease {
                releasesToResend -= 1
                nextRelease = Int32(index + 1)
            } else {
                nextMessage = Int32(index + 1)
            }
            return (identifier(at: index), entry, isRelease)
        }
        return nil
    }

    @discardableResult
    mutating func remove(_ identifier: UInt16) -> Slot? {
        guard let index = index(of: identifier), let slot = take(at: index) else { return nil }
        discount(slot)
        removeHoles()
        return slot
    }

    /// Takes out the oldest delivery if it goes by `identifier` and a PUBACK settles it. So come nearly all, and no slot is looked for.
    mutating func removeFirst(acknowledging identifier: UInt16) -> Slot? {
        guard identifier == first, !slots.isEmpty, slots[0]?.standing.qos == .atLeastOnce,
            let slot = removeFirst()
        else { return nil }
        discount(slot)
        removeHoles()
        return slot
    }

    private mutating func discount(_ slot: borrowing Slot) {
        used -= 1
        octets -= Int(slot.octets)
        guard slot.needsSending else { return }
        toResend -= 1
        if slot.isReleased { releasesToResend -= 1 }
    }

    /// The first slot is never a hole.
    private mutating func removeHoles() {
        while !slots.isEmpty, isSettled(0) { _ = removeFirst() }
    }

    private mutating func removeFirst() -> Slot? {
        first = Self.successor(of: first)
        nextRelease = max(0, nextRelease - 1)
        nextMessage = max(0, nextMessage - 1)
        return slots.removeFirst()
    }

    private func isSettled(_ index: Int) -> Bool {
        if case .none = slots[index] { true } else { false }
    }

    private mutating func take(at index: Int) -> Slot? {
        var slot: Slot?
        swap(&slot, &slots[index])
        return slot
    }

    /// Puts back a delivery read from the store. Deliveries come in the order they were sent.
    /// - Returns: false when its identifier is out of order or taken; the delivery is then to be sent anew.
    mutating func restore(_ entry: Mailbox.Entry, released: Bool) -> Bool {
        guard hasRoom(for: entry.packetID) else { return false }
        append(entry, entry.packetID, octets: entry.message.octets, isReleased: released)
        mark(slots.count - 1)
        return true
    }

    /// An empty window does not hold the memory it once needed.
    mutating func forgetRoom() {
        if used == 0 { slots = UniqueDeque() }
    }

    /// Everything on the way with its identifier, oldest first.
    var slotsByIdentifier: [(identifier: UInt16, slot: Slot)] {
        slots.indices.compactMap { index in slots[index].map { (identifier(at: index), $0) } }
    }

    /// Everything on the way, oldest first.
    var slotsOnTheWay: [Slot] { slots.indices.compactMap { slots[$0] } }

    private func index(of identifier: UInt16) -> Int? {
        guard identifier != 0 else { return nil }
        let index = Self.distance(from: first, to: identifier)
        return index < slots.count ? index : nil
    }

    private func identifier(at index: Int) -> UInt16 {
        UInt16((Int(first) - 1 + index) % Self.identifiers + 1)
    }

    private static func distance(from first: UInt16, to identifier: UInt16) -> Int {
        (Int(identifier) - Int(first) + identifiers) % identifiers
    }

    private static func successor(of identifier: UInt16) -> UInt16 { identifier == .max ? 1 : identifier + 1 }
}
