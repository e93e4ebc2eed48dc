/// One request of ours to a device, as the sequence of exchanges it takes: the payload goes out in blocks, the answer comes
/// in blocks (RFC 7959, 2.4, 2.5 and 2.7).
///
///     sending ── 2.31 ──▶ sending … ── final answer ──▶ fetching ── last block ──▶ .complete
struct OutgoingTransfer: Equatable {
    /// What goes into the next exchange, beside the options of the request.
    struct Step: Equatable {
        var payload: ArraySlice<UInt8>
        var block1: Block?
        var size1: Int?
        var block2: Block?
        /// Options of the request's own payload belong to it.
        var carriesPayload: Bool
    }

    enum Outcome: Equatable {
        case next(Step)
        case complete(CoAPResponse)
        /// The device's blocks contradict each other, or its body is too long.
        case unusable
    }

    private let payload: [UInt8]
    private let bodyLimit: Int
    private var exponent: UInt8
    /// Octets of `payload` acknowledged so far.
    private var sent = 0
    /// First part of the answer while it is fetched.
    private var answer: CoAPResponse?

    init(payload: [UInt8], limits: CoAPLimits) {
        self.payload = payload
        self.bodyLimit = limits.bodyOctets
        self.exponent = Block.exponent(notAbove: limits.blockOctets)
    }

    /// A transfer whose answer has begun already: a notification with more blocks to fetch (RFC 7959, 2.6).
    init(fetchingRestOf response: CoAPResponse, limits: CoAPLimits) {
        self.init(payload: [], limits: limits)
        answer = response
    }

    /// The first exchange.
    func first() -> Step {
        guard payload.count > 1 << (Int(exponent) + 4) else {
            return Step(payload: payload[...], carriesPayload: !payload.isEmpty)
        }
        return sendingStep()
    }

    /// Takes an answer from the device.
    mutating func receive(_ response: CoAPResponse, block1: Block?, block2: Block?) -> Outcome {
        if let answer { return continueFetching(answer, with: response, block2: block2) }
        if response.code == .continue { return continueSending(block1) }
        // RFC 7959, 2.9.3: too large, but smaller blocks might do.
        if response.code == .requestEntityTooLarge, sent == 0, let block1, block1.exponent < exponent, !payload.isEmpty {
            exponent = block1.exponent
            return .next(sendingStep())
        }
        guard let block2, block2.more else { return .complete(response) }
        guard block2.number == 0, response.payload.count == block2.size else { return .unusable }
        answer = response
        return .next(fetchingStep(after: response.payload.count, exponent: block2.exponent))
    }

    /// The exchange that fetches what follows `octets` of the answer.
    func fetchingStep(after octets: Int, exponent: UInt8) -> Step {
        let number = min(UInt32(octets >> (Int(exponent) + 4)), Block.largestNumber)
        return Step(
            payload: [], block2: Block(number: number, more: false, exponent: exponent), carriesPayload: false)
    }

    private mutating func continueSending(_ block1: Block?) -> Outcome {
        // RFC 7959, 2.3: the answer names the block it is about; the device may ask for smaller ones from here on.
        guard let block1, let current = Block.cut(payload, offset: sent, exponent: exponent), current.block.more,
            block1.exponent <= exponent
        else { return .unusable }
        sent += current.payload.count
        exponent = block1.exponent
        return .next(sendingStep())
    }

    private func sendingStep() -> Step {
        guard let part = Block.cut(payload, offset: sent, exponent: exponent) else {
            preconditionFailure("a transfer never moves beyond its payload: the last block is not followed by another")
        }
        return Step(
            payload: part.payload, block1: part.block, size1: sent == 0 ? payload.count : nil, carriesPayload: true)
    }

    private mutating func continueFetching(
        _ answer: CoAPResponse, with response: CoAPResponse, block2: Block?
    ) -> Outcome {
        guard response.code.isSuccess, let block2, block2.offset == answer.payload.count,
            response.etag == answer.etag,  // RFC 7959, 2.4: blocks of different bodies are never mixed
            block2.more ? response.payload.count == block2.size : response.payload.count <= block2.size,
            answer.payload.count + response.payload.count <= bodyLimit
        else { return .unusable }
        var whole = answer
        whole.payload += response.payload
        guard block2.more else { return .complete(whole) }
        self.answer = whole
        return .next(fetchingStep(after: whole.payload.count, exponent: block2.exponent))
    }
}
