import Messaging

/// Decides how often strangers are answered: once per interval and peer, and a bounded number per second in all, so that
/// forged senders cannot make the gateway shout at somebody.
struct ReplyThrottle {
    private let interval: Duration
    private let perSecond: Int
    private let capacity: Int
    private var lastReply: [PeerAddress: Timestamp] = [:]
    private var secondBegan = Timestamp(nanoseconds: .min)
    private var repliesThisSecond = 0

    init(interval: Duration, perSecond: Int, capacity: Int = 4_096) {
        self.interval = interval
        self.perSecond = perSecond
        self.capacity = capacity
    }

    mutating func allows(_ peer: PeerAddress, now: Timestamp) -> Bool {
        if let last = lastReply[peer], now < last + interval { return false }
        if secondBegan + .seconds(1) <= now {
            secondBegan = now
            repliesThisSecond = 0
        }
        guard repliesThisSecond < perSecond, makeRoom(now: now) else { return false }
        repliesThisSecond += 1
        lastReply[peer] = now
        return true
    }

    private mutating func makeRoom(now: Timestamp) -> Bool {
        guard lastReply.count >= capacity else { return true }
        lastReply = lastReply.filter { now < $0.value + interval }
        return lastReply.count < capacity
    }
}

/// Peers whose connection ended a short while ago: a DISCONNECT they repeat is answered, one of a stranger is not, so that
/// two gateways cannot keep each other busy.
struct DepartedPeers {
    private static let memory = Duration.seconds(60)
    private static let capacity = 1_024
    private var departures: [PeerAddress: Timestamp] = [:]

    mutating func insert(_ peer: PeerAddress, now: Timestamp) {
        if departures.count >= Self.capacity {
            departures = departures.filter { now < $0.value + Self.memory }
        }
        guard departures.count < Self.capacity else { return }
        departures[peer] = now
    }

    func contains(_ peer: PeerAddress, now: Timestamp) -> Bool {
        departures[peer].map { now < $0 + Self.memory } ?? false
    }
}
