import DequeModule
import Messaging

/// Recognises repetitions of a request by its message id, and remembers what was answered (RFC 7252, 4.5).
///
///     first time ──▶ open ── answered with the acknowledgement ──▶ answered(stored)     repetition: the same again
///                         └─ answered later, or not at all ──────▶ acknowledged         repetition: empty acknowledgement
struct ExchangeTable {
    /// Message ids are the sender's: unique per address and port for the lifetime of an exchange. The token guards against a
    /// device that restarts and counts its message ids from the same start.
    struct Key: Hashable, Sendable {
        let endpoint: EndpointKey
        let messageID: UInt16
        let token: CoAPToken
    }

    enum Verdict: Equatable {
        case new
        /// Known; an empty acknowledgement is all there is to say (nothing at all to a non-confirmable message).
        case repeated
        /// Known; this was the answer.
        case repeatedWithAnswer(WireResponse)
    }

    private struct Entry {
        var answer: WireResponse?
        let expires: Timestamp
    }

    /// RFC 7252, 4.8.2: EXCHANGE_LIFETIME and NON_LIFETIME with the default transmission parameters.
    static let confirmableLifetime = Duration.seconds(247)
    static let nonConfirmableLifetime = Duration.seconds(145)

    private let countLimit: Int
    private let octetLimit: Int
    private var entries: [Key: Entry] = [:]
    /// In order of arrival; ids leave `entries` in this order at the latest when they reach the head and have expired.
    private var order: Deque<Key> = []
    private(set) var octets = 0
    /// Forgotten before their time because a limit was reached.
    private(set) var forgottenEarly: UInt64 = 0

    init(limits: CoAPLimits) {
        countLimit = limits.rememberedRequests
        octetLimit = limits.rememberedOctets
    }

    var count: Int { entries.count }

    /// Notes a request, or recognises it.
    mutating func receive(_ key: Key, confirmable: Bool, now: Timestamp) -> Verdict {
        if let entry = entries[key], now < entry.expires {
            guard let answer = entry.answer else { return .repeated }
            return .repeatedWithAnswer(answer)
        }
        let lifetime = confirmable ? Self.confirmableLifetime : Self.nonConfirmableLifetime
        if let old = entries.updateValue(Entry(answer: nil, expires: now + lifetime), forKey: key) {
            octets -= old.answer?.octets ?? 0
        }
        order.append(key)
        while entries.count > countLimit { forgetOldest() }
        return .new
    }

    /// Stores the answer that went with the acknowledgement.
    mutating func answer(_ key: Key, with answer: WireResponse) {
        guard entries[key] != nil else { return }
        entries[key]?.answer = answer
        octets += answer.octets
        while octets > octetLimit, !order.isEmpty { forgetOldest() }
    }

    mutating func expire(now: Timestamp) {
        while let key = order.first {
            if let entry = entries[key], now < entry.expires { return }
            order.removeFirst()
            remove(key)
        }
    }

    private mutating func forgetOldest() {
        guard let key = order.popFirst() else { return }
        remove(key)
        forgottenEarly += 1
    }

    private mutating func remove(_ key: Key) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        octets -= entry.answer?.octets ?? 0
    }
}
