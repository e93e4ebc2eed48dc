import CLibCoAP
import Logging
import Messaging

/// Requests from peers: recognise repetitions, put blocks together, find the handler, answer.
extension CoAPEngine {
    /// Called by libcoap, which has prepared `response`: an acknowledgement for CON, a NON for NON. Left without a code it
    /// becomes an empty acknowledgement, or nothing.
    func receiveRequest(_ request: OpaquePointer, session: OpaquePointer, response: OpaquePointer) {
        statistics.requests.add()
        guard let peer = peer(of: session), let message = ReceivedMessage(request) else { return }
        let isConfirmable = message.kind == .confirmable
        let key = ExchangeTable.Key(endpoint: peer.endpoint, messageID: message.messageID, token: message.token)
        switch exchanges.receive(key, confirmable: isConfirmable, now: now) {
        case .new: break
        case .repeated: return statistics.duplicates.add()
        case .repeatedWithAnswer(let answer):
            statistics.duplicates.add()
            // RFC 7252, 4.5: the same answer to a repeated CON; a repeated NON is ignored.
            if isConfirmable { _ = MessageWriter.write(answer, into: response) }
            return
        }
        guard let answer = answer(to: message, key: key, peer: peer) else { return }
        guard !message.options.suppresses(answer.code) else { return }  // RFC 7967, 2
        guard MessageWriter.write(answer, into: response) else { return }
        if isConfirmable { exchanges.answer(key, with: answer) }
    }

    /// The answer, if there is one already.
    private func answer(to message: ReceivedMessage, key: ExchangeTable.Key, peer: PeerState) -> WireResponse? {
        switch assemble(message, key: key, peer: peer) {
        case .answer(let answer):
            if !answer.code.isSuccess { statistics.rejected.add() }
            return answer
        case .request(let request, let exchange):
            return dispatch(request, exchange, peer: peer)
        }
    }

    private enum Assembly {
        case answer(WireResponse)
        case request(CoAPRequest, OpenExchange)
    }

    /// Checks what can be checked without a handler, and takes care of blocks.
    private func assemble(_ message: ReceivedMessage, key: ExchangeTable.Key, peer: PeerState) -> Assembly {
        let options = message.options
        guard !cutOff.contains(MessageKey(endpoint: peer.endpoint, messageID: message.messageID)) else {
            return .answer(tooLarge(limits.datagramOctets, "datagram too large; send in blocks"))
        }
        if let number = options.badOption {
            return .answer(WireResponse(.error(.badOption, "option \(number) is not understood")))
        }
        guard !options.hasReservedBlockSize, let method = CoAPMethod(rawValue: message.code.rawValue) else {
            return .answer(WireResponse(.error(.badRequest, "reserved block size")))
        }
        let transfer = TransferKey(
            endpoint: peer.endpoint, method: method, path: options.path, queries: options.queries, accept: options.accept,
            requestTag: options.requestTag)
        var payload = message.payload
        if let block = options.block1 {
            switch uploads.accept(
                block, payload: payload, contentFormat: options.contentFormat, sizeHint: options.size1, key: transfer, now: now)
            {
            case .goOn(let block):
                return .answer(WireResponse(CoAPResponse(.continue), extras: .init(block1: block)))
            case .refused(let code, let reason, let sizeLimit):
                return .answer(WireResponse(.error(code, reason), extras: .init(block1: block, size1: sizeLimit)))
            case .complete(let body):
                payload = body
            }
        }
        if let block = options.block2, block.number > 0, let body = bodies.body(for: transfer, now: now) {
            return .answer(laterBlock(block, of: body))
        }
        // RFC 7959, 2.6: only the first block of a body observes. RFC 7641, 2: other values are no observation.
        let observe = (options.block2?.number ?? 0) == 0 ? options.observe.flatMap(ObserveRequest.init) : nil
        let isObservable = method == .get || method == .fetch
        let exchange = OpenExchange(
            peer: peer.peer.id, token: message.token, isConfirmable: message.kind == .confirmable, key: key,
            transfer: transfer, options: options, observe: isObservable ? observe : nil, block1: options.block1)
        let request = CoAPRequest(
            peer: peer.peer, token: message.token, isConfirmable: message.kind == .confirmable, method: method,
            path: options.path, queries: options.queries, contentFormat: options.contentFormat, accept: options.accept,
            observe: isObservable ? observe : nil, etags: options.etags, ifMatch: options.ifMatch,
            ifNoneMatch: options.ifNoneMatch, payload: payload)
        return .request(request, exchange)
    }

    private func dispatch(_ request: CoAPRequest, _ exchange: OpenExchange, peer: PeerState) -> WireResponse? {
        if request.observe == .deregister { remove(request.observer, .deregistered, at: peer) }
        if request.path == [".well-known", "core"] { return prepare(discover(request), exchange, peer: peer) }
        guard let handler = request.path.first.flatMap({ routes.handlers[$0] }) else {
            statistics.rejected.add()
            return WireResponse(.error(.notFound, "nothing is here"))
        }
        guard open.count < limits.openRequests, mayPin(peer) else {
            statistics.rejected.add()
            var busy = CoAPResponse.error(.serviceUnavailable, "too many requests at once")
            busy.maxAge = 5  // RFC 7252, 5.9.3.4: when to try again, in seconds
            return WireResponse(busy)
        }
        let id = nextSerial()
        let responder = CoAPResponder(exchange: id, commands: commands)
        handler(request, responder)
        if let answer = responder.takeOrDetach() { return prepare(answer, exchange, peer: peer) }
        open[id] = exchange
        pin(peer)
        return nil
    }

    /// RFC 6690, 4: our own list, as topics and devices are no resources of libcoap's.
    private func discover(_ request: CoAPRequest) -> CoAPResponder.Answer {
        guard request.method == .get else {
            return .init(response: .error(.methodNotAllowed, "only GET"), ended: nil)
        }
        guard request.accept == nil || request.accept == .linkFormat else {
            return .init(response: .error(.notAcceptable, "only link format"), ended: nil)
        }
        let links = LinkFormat.encode(LinkFormat.filter(routes.links, queries: request.queries))
        return .init(response: CoAPResponse(.content, contentFormat: .linkFormat, payload: Array(links.utf8)), ended: nil)
    }

    // MARK: Answers

    /// An answer that comes after the acknowledgement: a message of its own (RFC 7252, 5.2.2).
    func respond(to id: UInt64, with answer: CoAPResponder.Answer) {
        guard let exchange = open.removeValue(forKey: id) else { return }
        guard let peer = peers[exchange.peer] else {
            answer.ended?(.peerGone)
            return
        }
        defer { unpin(peer) }
        let response = prepare(answer, exchange, peer: peer)
        guard !exchange.options.suppresses(response.code) else { return }
        // A peer that lets many answers unacknowledged gets further ones unconfirmed: libcoap's queue for it has no limit.
        let confirmable = exchange.isConfirmable && peer.unacknowledgedAnswers < Self.unacknowledgedAnswers
        guard let messageID = transmit(response, token: exchange.token, confirmable: confirmable, peer: peer) else { return }
        guard confirmable else { return }
        peer.unacknowledgedAnswers += 1
        outgoing[MessageKey(endpoint: peer.endpoint, messageID: messageID)] = .answer(peer: peer.peer.id)
    }

    private static var unacknowledgedAnswers: Int { 8 }

    /// Turns an answer into a message: accepts the observation, cuts the block asked for.
    private func prepare(_ answer: CoAPResponder.Answer, _ exchange: OpenExchange, peer: PeerState) -> WireResponse {
        var extras = WireResponse.Extras(block1: exchange.block1)
        if let ended = answer.ended, exchange.observe == .register, answer.response.code.isSuccess {
            extras.observe = accept(exchange, ended: ended, peer: peer)
        } else {
            answer.ended?(.ended)
            // RFC 7641, 4.1: an answer without Observe to a registration ends what was registered under the token before.
            if exchange.observe == .register {
                remove(CoAPObserver(peer: peer.peer, token: exchange.token), .ended, at: peer)
            }
        }
        return cut(answer.response, extras: extras, wish: exchange.options.block2, key: exchange.transfer)
    }

    /// Cuts the block a client wishes, or the first, out of a response and keeps the rest for it.
    func cut(_ response: CoAPResponse, extras: WireResponse.Extras, wish: Block?, key: TransferKey) -> WireResponse {
        var extras = extras
        let largest = Block.exponent(notAbove: limits.blockOctets)
        let exponent = min(wish?.exponent ?? largest, largest)
        let size = 1 << (Int(exponent) + 4)
        guard response.code.isSuccess, !response.payload.isEmpty, wish != nil || response.payload.count > size else {
            return WireResponse(response, payload: response.payload.prefix(size), extras: extras)
        }
        guard let part = Block.cut(response.payload, offset: wish?.offset ?? 0, exponent: exponent) else {
            return WireResponse(.error(.badRequest, "beyond the end"), extras: extras)
        }
        extras.block2 = part.block
        guard part.block.more || part.block.number > 0 else {
            return WireResponse(response, payload: part.payload, extras: extras)
        }
        // RFC 7959, 2.4: an ETag lets the client see that its blocks are of one body.
        var whole = response
        whole.etag = response.etag ?? EntityTag.of(response.payload)
        if part.block.more { bodies.keep(whole, for: key, now: now) }
        if part.block.number == 0 { extras.size2 = response.payload.count }
        return WireResponse(whole, payload: part.payload, extras: extras)
    }

    private func laterBlock(_ block: Block, of body: CoAPResponse) -> WireResponse {
        let exponent = min(block.exponent, Block.exponent(notAbove: limits.blockOctets))
        guard let part = Block.cut(body.payload, offset: block.offset, exponent: exponent) else {
            return WireResponse(.error(.badRequest, "beyond the end"))
        }
        return WireResponse(body, payload: part.payload, extras: .init(block2: part.block))
    }

    private func tooLarge(_ limit: Int, _ reason: String) -> WireResponse {
        WireResponse(.error(.requestEntityTooLarge, reason), extras: .init(size1: limit))
    }

    /// Sends a response as a message of its own.
    /// - Returns: its message id; nil when it could not be built or sent.
    func transmit(_ response: WireResponse, token: CoAPToken, confirmable: Bool, peer: PeerState) -> UInt16? {
        let pdu = MessageWriter.make(
            confirmable ? COAP_MESSAGE_CON : COAP_MESSAGE_NON, code: response.code.rawValue, token: token,
            options: response.options, payload: response.payload, session: peer.session)
        guard let pdu else {
            logger.warning("an answer does not fit into a datagram", metadata: [LogKey.peer: "\(peer.peer.address)"])
            return nil
        }
        let messageID = coap_send(peer.session, pdu)
        return messageID == COAP_INVALID_MID ? nil : UInt16(truncatingIfNeeded: messageID)
    }
}
