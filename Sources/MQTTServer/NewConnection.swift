import Logging
import Messaging
import NIOCore
import Transport

/// A connection that has just been accepted: puts the layers between its socket and MQTT into the pipeline, outermost first.
/// Plain TCP has none. Lives on the connection's event loop.
struct NewConnection {
    let listener: ListenerContext
    let loop: LoopContext
    /// When CONNECT has to be complete, whatever comes before it.
    let deadline: NIODeadline
    /// Counts what is sent before MQTT begins; nil where nothing is.
    private let opening: OpeningOctets?

    init(listener: ListenerContext, loop: LoopContext, deadline: NIODeadline) {
        self.listener = listener
        self.loop = loop
        self.deadline = deadline
        let server = listener.server
        opening =
            listener.settings.hasLayers
            ? OpeningOctets(budget: server.unfinished) { server.counters.unfinishedOverLimit.add() } : nil
    }

    /// - Throws: when the connection is broken already.
    func begin(_ channel: any Channel) throws {
        guard let peer = Peer(channel, listener: listener.settings) else { throw ChannelError.ioOnClosedChannel }
        guard let opening else { return try addMQTT(channel, peer, .none) }
        loop.begin(channel)
        try channel.pipeline.syncOperations.addHandler(opening)
        guard listener.settings.expectsProxyHeader else { return try addLayers(channel, peer) }
        let handler = ProxyProtocolHandler(deadline: deadline) { channel, outcome in
            switch outcome {
            case .header(let header): try addLayers(channel, peer.behind(header))
            case .malformed(let error): refuse(peer, error)
            case .timeout: listener.server.counters.connectTimeouts.add()
            }
        }
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    private func addLayers(_ channel: any Channel, _ peer: Peer) throws {
        guard let tls = listener.settings.tls else { return try addWebSocket(channel, peer, .none) }
        let server = listener.server
        try tls.begin(channel, deadline: deadline, budget: server.unfinished) {
            server.counters.unfinishedOverLimit.add()
        } whenDone: { channel, outcome in
            switch outcome {
            case .established(let client):
                server.counters.handshakes.add()
                try addWebSocket(channel, peer, ConnectionIdentity(client, listener.settings.identityRules))
            case .failed(let failure): refuse(peer, failure)
            case .timeout: server.counters.connectTimeouts.add()
            }
        }
    }

    private func addWebSocket(_ channel: any Channel, _ peer: Peer, _ identity: ConnectionIdentity) throws {
        guard let webSocket = listener.settings.webSocket else { return try addMQTT(channel, peer, identity) }
        let server = listener.server
        let upgrade = WebSocketUpgrade(
            webSocket, isLoopback: peer.isLoopback, deadline: deadline, budget: server.unfinished)
        try upgrade.begin(channel) {
            server.counters.connectTimeouts.add()
        } whenRefused: { answer in
            server.counters.webSocketsRefused.add()
            note("no WebSocket", peer, answer)
        } whenOpen: { channel in
            try addMQTT(channel, peer, identity)
        }
    }

    private func addMQTT(_ channel: any Channel, _ peer: Peer, _ identity: ConnectionIdentity) throws {
        if let opening {
            loop.end(channel)
            channel.pipeline.syncOperations.removeHandler(opening, promise: nil)
        }
        let handler = ConnectionHandler(
            listener: listener, loop: loop, peer: peer, identity: identity, deadline: deadline)
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    private func refuse(_ peer: Peer, _ error: ProxyHeader.DecodeError) {
        listener.server.counters.proxyHeadersMalformed.add()
        note("no PROXY header", peer, "\(error)")
    }

    private func refuse(_ peer: Peer, _ failure: TLSHandshakeFailure) {
        listener.server.counters.handshakeFailed(failure.reason)
        note("TLS handshake failed", peer, "\(failure.reason.rawValue), \(failure.detail)")
    }

    private func note(_ message: Logger.Message, _ peer: Peer, _ error: String) {
        listener.server.logger.debug(
            message,
            metadata: [
                LogKey.peer: "\(peer.address)", LogKey.listener: "\(peer.listener)", LogKey.error: "\(error)",
            ])
    }
}

extension MQTTConfiguration.Listener {
    /// Something has to be read before MQTT begins.
    fileprivate var hasLayers: Bool { expectsProxyHeader || tls != nil || webSocket != nil }
}

extension Peer {
    /// Nil when the connection is gone.
    fileprivate init?(_ channel: any Channel, listener: MQTTConfiguration.Listener) {
        switch listener.place {
        case .unix(let file):
            // A client's end of a unix socket has no name; who may connect to the file is on this machine.
            self.init(address: "unix:\(file.path)", isLoopback: true, listener: listener.name)
        case .internet:
            guard let address = channel.remoteAddress else { return nil }
            self.init(address: address.numeric, isLoopback: address.isLoopback, listener: listener.name)
        }
    }

    /// The client as the proxy names it. It is on this machine's loopback only if the proxy is, too: a header is a claim, and
    /// loopback is let in without password by default.
    fileprivate func behind(_ header: ProxyHeader) -> Peer {
        guard let source = header.source else { return self }
        return Peer(address: source.numeric, isLoopback: isLoopback && source.isLoopback, listener: listener)
    }
}
