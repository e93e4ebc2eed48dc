import Messaging

/// A token bucket for each host that is not connected: what a stranger can make the gateway do per second is bounded, and
/// one stranger does not use up what the others may.
///
/// A bucket is one point in time, at which it would be full again; a datagram moves it forward by one token.
struct SourceLimiter {
    private let interval: Duration
    private let depth: Duration
    private let capacity: Int
    private var fullAt: [HostAddress: Timestamp] = [:]
    /// Shared by the hosts for which there is no room.
    private var sharedFullAt = Timestamp(nanoseconds: .min)

    /// - Parameters:
    ///   - perSecond: datagrams of one host per second; 0 for no limit.
    ///   - burst: datagrams a host may send at once after a quiet time.
    init(perSecond: Int, burst: Int, capacity: Int = 4_096) {
        interval = perSecond > 0 ? .seconds(1) / perSecond : .zero
        depth = interval * max(0, burst - 1)
        self.capacity = capacity
    }

    mutating func allows(_ host: HostAddress, now: Timestamp) -> Bool {
        guard interval > .zero else { return true }
        guard fullAt[host] != nil || makeRoom(now: now) else { return take(from: &sharedFullAt, now: now) }
        return take(from: &fullAt[host, default: now], now: now)
    }

    private func take(from fullAt: inout Timestamp, now: Timestamp) -> Bool {
        let start = max(fullAt, now)
        guard start.since(now) <= depth else { return false }
        fullAt = start + interval
        return true
    }

    private mutating func makeRoom(now: Timestamp) -> Bool {
        guard fullAt.count >= capacity else { return true }
        fullAt = fullAt.filter { now < $0.value }
        return fullAt.count < capacity
    }
}
