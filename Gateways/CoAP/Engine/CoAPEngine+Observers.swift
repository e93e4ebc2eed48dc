import CLibCoAP
import Messaging

/// Clients that observe us (RFC 7641). The list is kept here: libcoap's conflates updates and hides that a client left.
extension CoAPEngine {
    /// Accepts the observation an answer was given for.
    /// - Returns: the Observe number for the answer; nil when there are too many.
    func accept(
        _ exchange: OpenExchange, ended: @escaping @Sendable (CoAPObserverEnd) -> Void, peer: PeerState
    ) -> UInt32? {
        let observer = CoAPObserver(peer: peer.peer, token: exchange.token)
        let wish = exchange.options.block2?.exponent ?? 6
        let exponent = min(wish, Block.exponent(notAbove: limits.blockOctets))
        // RFC 7641, 4.1: the same token again is the same observation, refreshed or moved to another resource.
        if let known = observations[observer] {
            let previous = known.ended
            known.ended = ended
            known.key = exchange.transfer
            known.exponent = exponent
            previous(.replaced)
            return known.sequence.next()
        }
        guard peer.observers.count < limits.observersPerPeer, mayPin(peer) else {
            ended(.ended)
            return nil
        }
        let observation = ClientObservation(
            observer: observer, ended: ended, key: exchange.transfer, exponent: exponent, now: now)
        observations[observer] = observation
        peer.observers.insert(exchange.token)
        pin(peer)
        return observation.sequence.next()
    }


    func notify(
        _ observer: CoAPObserver, _ response: CoAPResponse, confirmable: Bool,
        completion: @escaping @Sendable (CoAPNotificationOutcome) -> Void
    ) {
        guard let observation = observations[observer], let peer = peers[observer.peer.id] else { return completion(.gone) }
        guard observation.completion == nil else { return completion(.busy) }
        // RFC 7641, 4.5: now and then a confirmable one, to learn whether anybody is there.
        let isDue = now.since(observation.lastConfirmable) >= limits.observerCheck
        let isFinal = !response.code.isSuccess
        let message = notification(response, observation, isFinal: isFinal)
        let isConfirmable = confirmable || isDue
        guard let messageID = transmit(message, token: observer.token, confirmable: isConfirmable, peer: peer) else {
            remove(observer, .ended, at: peer)
            return completion(.gone)
        }
        statistics.notifications.add()
        if isConfirmable {
            observation.completion = completion
            observation.lastConfirmable = now
            outgoing[MessageKey(endpoint: peer.endpoint, messageID: messageID)] = .notification(observer)
        } else {
            remember(messageID, of: observation, at: peer)
            completion(.delivered)
        }
        if isFinal { remove(observer, .ended, at: peer) }
    }

    func endObservation(_ observer: CoAPObserver, last: CoAPResponse?) {
        guard let observation = observations[observer], let peer = peers[observer.peer.id] else { return }
        if let last {
            let message = notification(last, observation, isFinal: true)
            _ = transmit(message, token: observer.token, confirmable: false, peer: peer)
        }
        remove(observer, .ended, at: peer)
    }

    /// Ends an observation and tells its owner, who also hears what became of the notification on the way.
    func remove(_ observer: CoAPObserver, _ reason: CoAPObserverEnd, at peer: PeerState) {
        guard let observation = observations.removeValue(forKey: observer) else { return }
        peer.observers.remove(observer.token)
        if let messageID = observation.nonConfirmableID {
            nonConfirmable[MessageKey(endpoint: peer.endpoint, messageID: messageID)] = nil
        }
        switch reason {
        case .reset: statistics.notificationsReset.add()
        case .timeout: statistics.notificationsTimedOut.add()
        default: break
        }
        observation.completion?(reason == .reset ? .reset : reason == .timeout ? .timeout : .gone)
        observation.ended(reason)
        unpin(peer)
    }

    /// The notification on the way has arrived.
    func acknowledged(_ observer: CoAPObserver) {
        guard let observation = observations[observer], let completion = observation.completion else { return }
        observation.completion = nil
        completion(.delivered)
    }

    /// An error notification carries no Observe: it is the last (RFC 7641, 4.2).
    private func notification(_ response: CoAPResponse, _ observation: ClientObservation, isFinal: Bool) -> WireResponse {
        guard !isFinal else { return WireResponse(response) }
        // RFC 7959, 2.6: a long body is notified with its first block; the client fetches the rest by GET.
        let isLong = response.payload.count > 1 << (Int(observation.exponent) + 4)
        let wish = isLong ? Block(number: 0, more: false, exponent: observation.exponent) : nil
        return cut(
            response, extras: .init(observe: observation.sequence.next()), wish: wish, key: observation.key)
    }

    /// RST to a non-confirmable notification names its message id; the latest one is enough to recognise.
    private func remember(_ messageID: UInt16, of observation: ClientObservation, at peer: PeerState) {
        if let previous = observation.nonConfirmableID {
            nonConfirmable[MessageKey(endpoint: peer.endpoint, messageID: previous)] = nil
        }
        observation.nonConfirmableID = messageID
        nonConfirmable[MessageKey(endpoint: peer.endpoint, messageID: messageID)] = observation.observer
    }
}
