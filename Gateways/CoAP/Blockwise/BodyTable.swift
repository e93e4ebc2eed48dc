import Messaging

/// Keeps the bodies that clients are reading block by block (Block2, RFC 7959, 2.4), so that a body cannot change between
/// its first block and its last.
struct BodyTable {
    private struct Body {
        let response: CoAPResponse
        let serial: UInt64
        var touched: Timestamp
    }

    private let limits: CoAPLimits
    private var bodies: [TransferKey: Body] = [:]
    private var serial: UInt64 = 0
    private(set) var octets = 0

    init(limits: CoAPLimits) { self.limits = limits }

    var count: Int { bodies.count }

    /// Keeps a response whose first block is being sent. It has an ETag, which ties its blocks together (RFC 7959, 2.4).
    mutating func keep(_ response: CoAPResponse, for key: TransferKey, now: Timestamp) {
        remove(key)
        let own = bodies.filter { $0.key.endpoint == key.endpoint }
        if own.count >= limits.transfersPerPeer, let oldest = own.min(by: { $0.value.serial < $1.value.serial }) {
            remove(oldest.key)
        }
        while octets + response.payload.count > limits.transferOctets {
            guard let oldest = bodies.min(by: { $0.value.serial < $1.value.serial }) else { return }
            remove(oldest.key)
        }
        serial += 1
        bodies[key] = Body(response: response, serial: serial, touched: now)
        octets += response.payload.count
    }

    /// The response a later block is to be cut from.
    mutating func body(for key: TransferKey, now: Timestamp) -> CoAPResponse? {
        bodies[key]?.touched = now
        return bodies[key]?.response
    }

    mutating func expire(now: Timestamp) {
        let old = bodies.filter { now.since($0.value.touched) >= UploadTable.lifetime }.map(\.key)
        for key in old { remove(key) }
    }

    private mutating func remove(_ key: TransferKey) {
        guard let body = bodies.removeValue(forKey: key) else { return }
        octets -= body.response.payload.count
    }
}
