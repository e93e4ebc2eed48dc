import CLibCoAP
import DequeModule
import Messaging

/// Requests of ours to devices, and observations of ours on them.
extension CoAPEngine {
    func send(
        _ request: CoAPOutgoingRequest, to peer: CoAPPeer, timeout: Duration,
        completion: @escaping @Sendable (CoAPOutcome) -> Void
    ) {
        enqueue(request, peer, .answer(completion), token: CoAPToken(serial: nextSerial()), timeout: timeout)
    }

    func observe(
        _ request: CoAPOutgoingRequest, _ observation: CoAPObservation, timeout: Duration,
        handler: @escaping @Sendable (CoAPObservationEvent) -> Void
    ) {
        let state = DeviceObservation(token: observation.token, request: request, handler: handler)
        peers[observation.peer.id]?.observations[observation.token] = state
        enqueue(request, observation.peer, .registration(state), token: observation.token, timeout: timeout)
    }

    /// The next notification finds no one and is answered with RST.
    func forget(_ observation: CoAPObservation) {
        guard let peer = peers[observation.peer.id] else { return }
        forget(observation.token, at: peer)
    }

    func deregister(
        _ observation: CoAPObservation, timeout: Duration, completion: @escaping @Sendable (CoAPOutcome) -> Void
    ) {
        guard let state = peers[observation.peer.id]?.observations[observation.token] else { return completion(.gone) }
        forget(observation)
        enqueue(
            state.request, observation.peer, .deregistration(completion), token: observation.token, timeout: timeout)
    }

    private func forget(_ token: CoAPToken, at peer: PeerState) {
        guard let state = peer.observations.removeValue(forKey: token), state.newest != nil else { return }
        unpin(peer)
    }

    // MARK: The queue of one device

    private func enqueue(
        _ request: CoAPOutgoingRequest, _ peer: CoAPPeer, _ purpose: DeviceRequest.Purpose, token: CoAPToken,
        timeout: Duration
    ) {
        let transfer = OutgoingTransfer(payload: request.payload, limits: limits)
        let state = DeviceRequest(
            id: nextSerial(), request: request, purpose: purpose, token: token, transfer: transfer, next: transfer.first())
        enqueue(state, peers[peer.id], timeout: timeout)
    }

    private func enqueue(_ request: DeviceRequest, _ peer: PeerState?, timeout: Duration) {
        guard let peer else { return conclude(request, .gone, peer: nil) }
        guard peer.waiting.count + 1 < limits.requestsPerPeer else { return conclude(request, .busy, peer: peer) }
        guard request.request.payload.count <= limits.bodyOctets else { return conclude(request, .unusable, peer: peer) }
        pin(peer)
        answering[peer.endpoint] = peer.peer.id
        later(.requestDeadline(peer: peer.peer.id, request: request.id), after: timeout)
        peer.waiting.append(request)
        startNext(peer)
    }

    private func startNext(_ peer: PeerState) {
        guard peer.active == nil, let request = peer.waiting.popFirst() else { return }
        peer.active = request
        transmit(request, peer)
    }

    private func transmit(_ request: DeviceRequest, _ peer: PeerState) {
        let options = DeviceRequestOptions.make(request)
        let pdu = MessageWriter.make(
            COAP_MESSAGE_CON, code: request.request.method.rawValue, token: request.token, options: options,
            payload: request.next.payload, session: peer.session)
        guard let pdu else { return finish(request, .unusable, peer) }
        let messageID = coap_send(peer.session, pdu)
        guard messageID != COAP_INVALID_MID else { return finish(request, .gone, peer) }
        request.messageID = UInt16(truncatingIfNeeded: messageID)
        outgoing[MessageKey(endpoint: peer.endpoint, messageID: UInt16(truncatingIfNeeded: messageID))] =
            .request(peer: peer.peer.id)
    }

    /// The message of the request under way was reset, or never acknowledged.
    func requestFailed(_ messageID: UInt16, peer: PeerState, _ outcome: CoAPOutcome) {
        guard let request = peer.active, request.messageID == messageID else { return }
        finish(request, outcome, peer)
    }

    func deadlinePassed(peer id: UInt64, request: UInt64) {
        guard let peer = peers[id] else { return }
        if let active = peer.active, active.id == request { return finish(active, .timeout, peer) }
        guard let index = peer.waiting.firstIndex(where: { $0.id == request }) else { return }
        let late = peer.waiting.remove(at: index)
        unpin(peer)
        conclude(late, .timeout, peer: peer)
    }

    /// Ends the request under way and starts the next.
    private func finish(_ request: DeviceRequest, _ outcome: CoAPOutcome, _ peer: PeerState) {
        peer.active = nil
        if let messageID = request.messageID {
            outgoing[MessageKey(endpoint: peer.endpoint, messageID: messageID)] = nil
        }
        conclude(request, outcome, peer: peer)
        unpin(peer)
        startNext(peer)
    }

    private func conclude(_ request: DeviceRequest, _ outcome: CoAPOutcome, peer: PeerState?) {
        switch (request.purpose, outcome) {
        case (.answer(let completion), _), (.deregistration(let completion), _):
            completion(outcome)
        case (.registration(let observation), .response(let response)) where response.code.isSuccess:
            if observation.newest == nil { peer?.observations[observation.token] = nil }
            observation.handler(.answered(response))
        case (.registration(let observation), _):
            if let peer { forget(observation.token, at: peer) }
            observation.handler(.ended(outcome))
        case (.notification(let observation), .response(let response)):
            guard peer?.observations[observation.token] != nil else { return }
            observation.handler(.notified(response))
        case (.notification, _): break  // the next notification brings a newer state
        }
    }

    // MARK: Answers and notifications

    /// Called by libcoap for every response.
    /// - Returns: false for one nobody waits for; libcoap then sends RST, which ends a forgotten observation (RFC 7641, 3.6).
    func receiveResponse(_ pdu: OpaquePointer, session: OpaquePointer) -> Bool {
        guard let peer = peer(of: session), let message = ReceivedMessage(pdu) else { return true }
        // RFC 7252, 4.2: an acknowledgement is never answered, not even with RST.
        guard deliver(message, peer) else { return message.kind == .acknowledgement }
        if message.kind == .confirmable { peer.acknowledged.add(message.messageID) }
        return true
    }

    /// - Returns: false for an unknown token.
    private func deliver(_ message: ReceivedMessage, _ peer: PeerState) -> Bool {
        let options = message.options
        let response = CoAPResponse(
            message.code, contentFormat: options.contentFormat, etag: options.etags.first, maxAge: options.maxAge,
            observe: options.observe, locationPath: options.locationPath, locationQuery: options.locationQuery,
            payload: message.payload)
        if let request = peer.active, request.token == message.token {
            // RFC 7252, 5.4.1: a response with a critical option nobody understands is rejected.
            guard options.badOption == nil, !options.hasReservedBlockSize else {
                finish(request, .unusable, peer)
                return true
            }
            answered(request, response, options, peer)
            return true
        }
        guard let observation = peer.observations[message.token], observation.newest != nil else { return false }
        notified(observation, response, options, peer)
        return true
    }

    private func answered(
        _ request: DeviceRequest, _ response: CoAPResponse, _ options: ReceivedOptions, _ peer: PeerState
    ) {
        if case .registration(let observation) = request.purpose, let sequence = response.observe,
            response.code.isSuccess, observation.newest == nil, peer.observations[observation.token] != nil
        {
            observation.newest = (sequence, now)
            pin(peer)
        }
        if let messageID = request.messageID {
            outgoing[MessageKey(endpoint: peer.endpoint, messageID: messageID)] = nil
            request.messageID = nil
        }
        switch request.transfer.receive(response, block1: options.block1, block2: options.block2) {
        case .next(let step):
            request.next = step
            request.token = CoAPToken(serial: nextSerial())
            transmit(request, peer)
        case .complete(let whole): finish(request, .response(whole), peer)
        case .unusable: finish(request, .unusable, peer)
        }
    }

    private func notified(
        _ observation: DeviceObservation, _ response: CoAPResponse, _ options: ReceivedOptions, _ peer: PeerState
    ) {
        // RFC 7641, 3.2: an error, or an answer without Observe, is the last word.
        guard response.code.isSuccess, let sequence = response.observe, let newest = observation.newest else {
            forget(observation.token, at: peer)
            return observation.handler(.ended(.response(response)))
        }
        guard ObserveSequence.isNewer(sequence, at: now, than: newest.sequence, seenAt: newest.seenAt) else { return }
        observation.newest = (sequence, now)
        guard let block = options.block2, block.more else { return observation.handler(.notified(response)) }
        let transfer = OutgoingTransfer(fetchingRestOf: response, limits: limits)
        let rest = DeviceRequest(
            id: nextSerial(), request: observation.request, purpose: .notification(observation),
            token: CoAPToken(serial: nextSerial()), transfer: transfer,
            next: transfer.fetchingStep(after: response.payload.count, exponent: block.exponent))
        enqueue(rest, peer, timeout: .seconds(93))
    }
}

/// The options of one exchange of a request to a device, in ascending order (RFC 7252, 3.1).
enum DeviceRequestOptions {
    static func make(_ state: DeviceRequest) -> [WireOption] {
        let request = state.request
        let step = state.next
        var options: [WireOption] = []
        // RFC 7641, 2: only the first exchange registers or deregisters; fetching further blocks does not.
        switch state.purpose {
        case .registration where step.block2 == nil: options.append(WireOption(.observe, uint: 0))
        case .deregistration where step.block2 == nil: options.append(WireOption(.observe, uint: 1))
        default: break
        }
        options += request.path.map { WireOption(.uriPath, Array($0.utf8)) }
        if step.carriesPayload, let format = request.contentFormat {
            options.append(WireOption(.contentFormat, uint: UInt32(format.rawValue)))
        }
        options += request.queries.map { WireOption(.uriQuery, Array($0.utf8)) }
        if let accept = request.accept { options.append(WireOption(.accept, uint: UInt32(accept.rawValue))) }
        if let block2 = step.block2 { options.append(WireOption(.block2, uint: block2.value)) }
        if let block1 = step.block1 { options.append(WireOption(.block1, uint: block1.value)) }
        if let size1 = step.size1 { options.append(WireOption(.size1, uint: UInt32(clamping: size1))) }
        return options
    }
}
