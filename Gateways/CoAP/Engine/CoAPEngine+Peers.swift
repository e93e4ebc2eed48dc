import CLibCoAP
import DequeModule
import Messaging

extension CoAPEngine {
    /// The state of a session, made with its first message.
    func peer(of session: OpaquePointer) -> PeerState? {
        if let data = coap_session_get_app_data(session) {
            return Unmanaged<PeerState>.fromOpaque(data).takeUnretainedValue()
        }
        guard let remote = coap_session_get_addr_remote(session),
            let address = withUnsafeBytes(of: remote.pointee.addr, { $0.baseAddress.flatMap(SocketAddress.init) })
        else { return nil }
        lastPeer += 1
        let peer = CoAPPeer(
            id: lastPeer, address: address.text, isLoopback: address.isLoopback, transport: .udp)
        let state = PeerState(peer: peer, endpoint: address.key, session: session)
        peers[peer.id] = state
        // Unretained: `peers` holds the state until `end` takes the pointer out of the session again.
        coap_session_set_app_data(session, Unmanaged.passUnretained(state).toOpaque())
        setTransmission(session)
        statistics.peersOpened.add()
        return state
    }

    private func setTransmission(_ session: OpaquePointer) {
        let milliseconds = UInt32(clamping: limits.acknowledgementTimeout.wholeNanoseconds / 1_000_000)
        coap_session_set_ack_timeout(
            session,
            coap_fixed_point_t(
                integer_part: UInt16(clamping: milliseconds / 1_000), fractional_part: UInt16(milliseconds % 1_000)))
        coap_session_set_max_retransmit(session, UInt16(clamping: limits.retransmissions))
    }

    func pin(_ state: PeerState) {
        state.pins += 1
        guard state.pins == 1 else { return }
        pinnedPeers += 1
        coap_session_reference(state.session)
    }

    /// The session ends on its own, after its idle time.
    func unpin(_ state: PeerState) {
        guard state.pins > 0 else { return }
        state.pins -= 1
        guard state.pins == 0 else { return }
        pinnedPeers -= 1
        coap_session_release(state.session)
    }

    /// Whether one more reason to keep the session alive is within the limit.
    func mayPin(_ state: PeerState) -> Bool { state.pins > 0 || pinnedPeers < limits.pinnedPeers }

    /// libcoap is about to free the session.
    func sessionEnded(_ session: OpaquePointer) {
        guard let data = coap_session_get_app_data(session) else { return }
        end(Unmanaged<PeerState>.fromOpaque(data).takeUnretainedValue())
    }

    /// Ends all that depends on the session, telling everybody concerned.
    func end(_ state: PeerState) {
        guard peers.removeValue(forKey: state.peer.id) != nil else { return }
        for token in state.observers { remove(CoAPObserver(peer: state.peer, token: token), .peerGone, at: state) }
        let requests = [state.active].compactMap { $0 } + Array(state.waiting)
        state.active = nil
        state.waiting = []
        let observations = Array(state.observations.values)
        state.observations = [:]
        for request in requests {
            if case .answer(let completion) = request.purpose { completion(.gone) }
            if case .registration(let observation) = request.purpose { observation.handler(.ended(.gone)) }
        }
        for observation in observations where observation.newest != nil { observation.handler(.ended(.gone)) }
        if answering[state.endpoint] == state.peer.id { answering[state.endpoint] = nil }
        coap_session_set_app_data(state.session, nil)
        while state.pins > 0 { unpin(state) }
        statistics.peersClosed.add()
        for handler in routes.peerGone { handler(state.peer) }
    }
}
