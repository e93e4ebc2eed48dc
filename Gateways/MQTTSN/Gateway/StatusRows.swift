import Messaging

/// The rows of a `StatusTable`, found by client id.
struct StatusRows: ~Copyable {
    private struct Row {
        let clientID: ClientID
        var status: ClientStatus
        /// Of topic and text.
        var octets: UInt16
    }

    private var rows = PagedArray<Row?>()
    private var free: [Int] = []
    private var byClientID = PlaceTable()
    /// When clients that have gone are forgotten. They are few: most clients come back, and what is told of them ends with their session.
    private var expiries: [ClientID: Timestamp] = [:]
    /// The earliest of these, or earlier.
    private(set) var nextExpiry = Timestamp.never
    /// Of all topics and texts.
    private(set) var octets = 0

    var count: Int { byClientID.count }

    func status(of clientID: ClientID) -> ClientStatus? { place(of: clientID).flatMap { rows[$0]?.status } }

    /// `never` for a client that has not gone.
    func expiry(of clientID: ClientID) -> Timestamp { expiries[clientID] ?? .never }

    var all: [(clientID: ClientID, status: ClientStatus, expiresAt: Timestamp)] {
        rows.indices.compactMap { place in rows[place].map { ($0.clientID, $0.status, expiry(of: $0.clientID)) } }
    }

    mutating func put(_ clientID: ClientID, _ status: ClientStatus, octets: Int, until expiresAt: Timestamp) {
        expiries[clientID] = expiresAt == .never ? nil : expiresAt
        nextExpiry = min(nextExpiry, expiresAt)
        let row = Row(clientID: clientID, status: status, octets: UInt16(clamping: octets))
        self.octets += Int(row.octets)
        if let place = place(of: clientID) {
            self.octets -= Int(rows[place]?.octets ?? 0)
            rows[place] = row
            return
        }
        let place = free.popLast() ?? rows.count
        if place == rows.count { rows.append(row) } else { rows[place] = row }
        byClientID.insert(place, hashOf: hashOfClientID)
    }

    /// - Returns: false when it was not there.
    mutating func remove(_ clientID: ClientID) -> Bool {
        guard let place = place(of: clientID) else { return false }
        expiries[clientID] = nil
        byClientID.remove(place, hashOf: hashOfClientID)
        octets -= Int(rows[place]?.octets ?? 0)
        rows[place] = nil
        free.append(place)
        return true
    }

    mutating func removeExpired(now: Timestamp) {
        guard nextExpiry <= now else { return }
        for (clientID, expiresAt) in expiries where expiresAt <= now { _ = remove(clientID) }
        nextExpiry = expiries.values.min() ?? .never
    }

    private func place(of clientID: ClientID) -> Int? {
        byClientID.find(clientID.hashValue) { rows[$0]?.clientID == clientID }
    }

    private var hashOfClientID: (Int) -> Int { { [rows] in rows[$0]?.clientID.hashValue ?? 0 } }
}
