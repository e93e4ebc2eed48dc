import Messaging

/// Puts payloads together that arrive in blocks (Block1, RFC 7959, 2.5). Blocks must come in sequence, from the first.
///
///     block 0, more ──▶ .goOn ── block 1, more ──▶ .goOn … block n, last ──▶ .complete(body)
///                         any gap, contradiction or excess ──▶ .refused, and the part that was there is forgotten
struct UploadTable {
    enum Outcome: Equatable {
        /// Answer 2.31 with this block option.
        case goOn(Block)
        case complete([UInt8])
        /// `sizeLimit` is for Size1 of a 4.13 (RFC 7959, 2.9.3).
        case refused(CoAPCode, String, sizeLimit: Int? = nil)
    }

    private struct Upload {
        var body: [UInt8]
        let contentFormat: ContentFormat?
        /// Order of beginning, for choosing who gives way.
        let serial: UInt64
        var touched: Timestamp
    }

    /// RFC 7252, 4.8.2: EXCHANGE_LIFETIME, after which no block of the same transfer is to be expected.
    static let lifetime = Duration.seconds(247)

    private let limits: CoAPLimits
    private var uploads: [TransferKey: Upload] = [:]
    private var serial: UInt64 = 0
    private(set) var octets = 0
    /// Given up because of age or to make room.
    private(set) var abandoned: UInt64 = 0

    init(limits: CoAPLimits) { self.limits = limits }

    var count: Int { uploads.count }

    mutating func accept(
        _ block: Block, payload: [UInt8], contentFormat: ContentFormat?, sizeHint: UInt32?, key: TransferKey, now: Timestamp
    ) -> Outcome {
        // RFC 7959, 2.2: a block with more to come is full. An empty one would make a body of unbounded block count.
        guard block.more ? payload.count == block.size : payload.count <= block.size else {
            forget(key)
            return .refused(.badRequest, "payload does not fill its block")
        }
        guard block.offset + payload.count <= limits.bodyOctets, Int(sizeHint ?? 0) <= limits.bodyOctets else {
            forget(key)
            return .refused(.requestEntityTooLarge, "too large", sizeLimit: limits.bodyOctets)
        }
        if block.number == 0 {
            forget(key)
            return begin(block, payload: payload, contentFormat: contentFormat, key: key, now: now)
        }
        return append(block, payload: payload, contentFormat: contentFormat, key: key, now: now)
    }

    mutating func expire(now: Timestamp) {
        let old = uploads.filter { now.since($0.value.touched) >= Self.lifetime }.map(\.key)
        for key in old { abandon(key) }
    }

    private mutating func begin(
        _ block: Block, payload: [UInt8], contentFormat: ContentFormat?, key: TransferKey, now: Timestamp
    ) -> Outcome {
        guard block.more else { return .complete(payload) }
        makeRoom(for: payload.count, from: key.endpoint)
        serial += 1
        uploads[key] = Upload(body: payload, contentFormat: contentFormat, serial: serial, touched: now)
        octets += payload.count
        return .goOn(block)
    }

    private mutating func append(
        _ block: Block, payload: [UInt8], contentFormat: ContentFormat?, key: TransferKey, now: Timestamp
    ) -> Outcome {
        guard let upload = uploads[key], upload.body.count == block.offset, upload.contentFormat == contentFormat else {
            forget(key)
            // RFC 7959, 2.9.2: blocks missing, out of sequence, or of different Content-Formats.
            return .refused(.requestEntityIncomplete, "blocks before this one are missing")
        }
        makeRoom(for: payload.count, from: nil, sparing: key)
        uploads[key]?.body += payload
        uploads[key]?.touched = now
        octets += payload.count
        guard !block.more else { return .goOn(block) }
        let body = uploads[key]?.body ?? []
        forget(key)
        return .complete(body)
    }

    /// The oldest transfers give way, so nobody can lock others out by beginning and not finishing.
    private mutating func makeRoom(for octetsNeeded: Int, from endpoint: EndpointKey?, sparing spared: TransferKey? = nil) {
        if let endpoint {
            let own = uploads.filter { $0.key.endpoint == endpoint }
            if own.count >= limits.transfersPerPeer, let oldest = own.min(by: { $0.value.serial < $1.value.serial }) {
                abandon(oldest.key)
            }
        }
        while octets + octetsNeeded > limits.transferOctets {
            let others = uploads.lazy.filter { $0.key != spared }
            guard let oldest = others.min(by: { $0.value.serial < $1.value.serial }) else { return }
            abandon(oldest.key)
        }
    }

    private mutating func abandon(_ key: TransferKey) {
        forget(key)
        abandoned += 1
    }

    private mutating func forget(_ key: TransferKey) {
        guard let upload = uploads.removeValue(forKey: key) else { return }
        octets -= upload.body.count
    }
}
