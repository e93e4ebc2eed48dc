import Logging
import MQTTCodec
import Messaging
import NIOCore
import Transport

/// One connection, whatever carries its bytes: bytes in -> decoder -> machine -> broker, and the mailbox -> bytes out.
///
/// A turn of the event loop: everything one read brought is decoded, its publications go to the broker as one batch. When all connections have
/// been read, the answers leave in one write. Deliveries are pulled when the core has woken the connection (`wokenUp`), again in one write.
///
/// Reading stops while the broker decides on CONNECT, while it holds this publisher back, while answers wait for the store in
/// number, and while the client does not read what it is sent.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = Never
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    let server: ServerContext
    let loop: LoopContext
    let peer: Peer
    var machine: ConnectionMachine
    var attachment: (any Attachment)? {
        didSet { clientID = attachment?.clientID }
    }
    /// Whose connection it is, once the broker has let it in.
    private(set) var clientID: ClientID?
    private(set) var context: ChannelHandlerContext?
    var decoder: PacketDecoder
    /// Bytes of a packet that is not complete, or that must wait while the broker decides on CONNECT.
    var received = ByteBuffer()
    /// Octets of `received` that count in the budget of all connections.
    private var unfinished = 0
    var isDecoding = false
    private(set) var owner: ConnectionOwner?
    private let deadline: NIODeadline
    private var connectDeadline: Scheduled<Void>?
    /// The channel wants to read and was not let.
    private var wantsRead = false
    /// A packet has come in this turn.
    var hasHeardPacket = false

    var batch = PublishBatch()
    /// When the batch began; all its messages count as published then.
    var batchTime = Timestamp.never
    /// What SUBSCRIBE and UNSUBSCRIBE packets in this read ask for.
    var filters = FilterBatch()
    /// Packet identifiers of the PUBACKs in this read of which the core has not been told.
    var acknowledgements: [UInt16] = []
    var replies = ReplyQueue()
    /// Everything up to here is known to be committed.
    var committed = CommitPoint.none
    var outgoing = ByteBuffer()
    var socket = SocketWriter()
    /// Nothing between here and the socket changes what is written.
    private let isPlain: Bool
    /// CONNACK has been written; nothing else may come before it (MQTT-3.2.0-1).
    var isWelcomed = false
    /// The channel takes more bytes, as it said last.
    private(set) var isWritable = true
    /// The mailbox may hold more than was taken.
    var isTakePending = false
    /// Largest packet the client accepts, in bytes (MQTT 5.0, 3.1.2.11.4).
    private(set) var clientMaximumPacketSize = Int.max
    /// Nil for a client that takes none.
    var outgoingAliases: OutgoingAliases?
    /// The core ended the attachment before the word of its beginning arrived.
    private var earlyClose: CloseReason?
    /// The last word has been written.
    private(set) var hasEnded = false
    /// The client is proving who it is.
    var authentication: AuthenticationInProgress?

    /// - Parameters:
    ///   - identity: what the layers below have proved.
    ///   - deadline: when CONNECT has to be complete.
    init(
        listener: ListenerContext, loop: LoopContext, peer: Peer, identity: ConnectionIdentity = .none,
        deadline: NIODeadline
    ) {
        server = listener.server
        self.loop = loop
        self.peer = peer
        self.deadline = deadline
        machine = ConnectionMachine(rules: listener.rules, identity: identity)
        decoder = PacketDecoder(reading: .client, limits: listener.decoderLimits)
        isPlain = listener.settings.tls == nil && listener.settings.webSocket == nil
    }
}

// MARK: - Channel events

extension ConnectionHandler {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if isPlain {
            socket = SocketWriter(context.channel)
            loop.receiveBuffer.serve(context.channel)
        }
        loop.connections[ObjectIdentifier(self)] = self
        connectDeadline = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.connectTimedOut() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        socket.end()
        finish()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        server.counters.bytesReceived.add(UInt64(bytes.readableBytes))
        loop.wakeList.note(received: bytes.readableBytes)
        guard machine.state != .over else { return }
        if received.readableBytes > 0 { continueRest(with: &bytes) }
        if bytes.readableBytes > 0 {
            decode(&bytes)
            if bytes.readableBytes > 0 { keep(bytes) }
        }
        loop.receiveBuffer.takeBack(&bytes)
    }

    /// Adds to the beginning of a packet what it lacks and no more, so that what follows is read where it lies. Whole packets that wait for
    /// the broker's decision on CONNECT get everything behind them.
    private func continueRest(with bytes: inout ByteBuffer) {
        let missing = decoder.octetsMissing(from: &received, with: &bytes)
        if let missing, missing >= 0, var end = bytes.readSlice(length: min(missing, bytes.readableBytes)) {
            received.writeBuffer(&end)
        } else {
            received.writeBuffer(&bytes)
        }
        decodeRest()
        if received.readableBytes > 0, bytes.readableBytes > 0 {
            received.writeBuffer(&bytes)
            decodeRest()
        }
        if received.readableBytes == 0 { received = ByteBuffer() } else { received.discardReadBytes() }
        accountForRest()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // MQTT-3.1.2-22: every packet counts as a sign of life, and nothing less does.
        if hasHeardPacket { attachment?.touch() }
        hasHeardPacket = false
        loop.endRead { finishTurn() }
        // Asked for by the handler next to the socket, so that the channel need not go through the whole pipeline to ask.
        if isPlain, mayRead { context.read() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        socket.end()
        publishBatch()
        machine.lost()
        finish()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is UnfinishedOverBudget else { return context.fireUserInboundEventTriggered(event) }
        goBeyondBudget()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable {
            if isTakePending { deliver() }
            resumeReading()
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        server.logger.debug("connection broken", metadata: metadata([LogKey.error: "\(error)"]))
        context.close(promise: nil)
    }

    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { wantsRead = true }
    }

    private var mayRead: Bool {
        !machine.isUndecided && replies.count < Int(server.configuration.receiveMaximum)
            && isWritable && attachment?.isHeldBack != true
    }

    func resumeReading() {
        guard wantsRead, mayRead, let context else { return }
        wantsRead = false
        context.read()
    }

    /// What is left of a read is copied out of its buffer, so that half a packet does not hold 128 KB.
    private func keep(_ rest: ByteBuffer) {
        received = rest.readableBytes == 0 ? ByteBuffer() : ByteBuffer(bytes: rest.readableBytesView)
        accountForRest()
    }

    private func decodeRest() {
        var bytes = ByteBuffer()
        swap(&bytes, &received)
        decode(&bytes)
        received = bytes
    }

    /// Half a packet of each of many connections is a lot, so their sum is bounded. Most reads end with a packet and cost nothing here.
    private func accountForRest() {
        let change = received.readableBytes - unfinished
        guard change != 0 else { return }
        unfinished = received.readableBytes
        guard !server.unfinished.change(by: change), change > 0 else { return }
        goBeyondBudget()
    }

    private func goBeyondBudget() {
        server.counters.unfinishedOverLimit.add()
        perform(machine.close(.quotaExceeded, detach: .lost))
    }
}

// MARK: - Beginning and end

extension ConnectionHandler {
    func open(_ opening: Opening) {
        let connect = opening.connect
        connectDeadline?.cancel()
        connectDeadline = nil
        clientMaximumPacketSize = connect.properties.maximumPacketSize.map(Int.init) ?? .max
        outgoingAliases = OutgoingAliases(
            clientMaximum: connect.properties.topicAliasMaximum ?? 0, limit: server.configuration.outgoingTopicAliases)
        do {
            let options = try SessionOptions(opening, windowBefore5: server.configuration.windowBefore5)
            let credentials = Credentials(connect, clientIdentifier: opening.clientIdentifier, peer: peer)
            guard let owner = reachableOwner() else { return }
            context?.channel.probePeer(everySeconds: machine.probeInterval(for: opening))
            let proven = opening.proof?.principal ?? machine.identity.principal(for: credentials)
            let request = ConnectRequest(credentials: credentials, options: options, proven: proven)
            server.broker.connect(request, owner: owner) { result in
                owner.connected(result, opening)
            }
        } catch {
            perform(machine.fail(.topicNameInvalid))  // the will's
        }
    }

    /// The broker has decided on CONNECT.
    func connected(_ result: Result<Connected, ConnectRefusal>, _ opening: Opening) {
        switch result {
        case .success(let connected):
            guard machine.state == .opening else { return connected.attachment.detach(.lost, expiry: nil) }
            attachment = connected.attachment
            let welcome = machine.opened(opening, sessionPresent: connected.sessionPresent)
            reply(.packet(welcome), after: connected.commit)
            if let earlyClose { closedByCore(earlyClose) }
        case .failure(let refusal):
            perform(machine.refused(refusal))
        }
        goOn()
    }

    /// Something was decided that reading waited for. Within a turn that goes on by itself.
    func goOn() {
        guard !isDecoding else { return }
        decodeRest()
        keep(received)
        finishTurn()
    }

    /// By whom the core and authentication methods reach this connection.
    func reachableOwner() -> ConnectionOwner? {
        guard owner == nil, let context else { return owner }
        let owner = ConnectionOwner(self, eventLoop: context.eventLoop, wakeList: loop.wakeList)
        self.owner = owner
        return owner
    }

    func closedByCore(_ reason: CloseReason) {
        // Another client took the session over before this one was welcomed: it has a right to hear both (MQTT-3.1.4-3).
        guard machine.state != .opening else {
            earlyClose = reason
            return
        }
        perform(machine.close(ReasonCode(reason), detach: .lost))
    }

    /// The gateway stops.
    func shutDown() {
        perform(machine.close(.serverShuttingDown, detach: .shutdown))
    }

    private func connectTimedOut() {
        switch machine.state {
        case .awaitingConnect, .proving, .challenged: break
        case .opening, .open, .over: return
        }
        server.counters.connectTimeouts.add()
        server.logger.debug("no CONNECT in time", metadata: metadata([:]))
        perform(machine.close(.maximumConnectTime, detach: .lost))
    }

    func end(goodbye: Packet?, _ reason: DetachReason, expiry: SessionExpiryChange?) {
        if let goodbye { noteFailure(goodbye) }
        publishBatch()  // what came before the end counts
        changeSubscriptions()
        acknowledge()
        writeCommittedReplies()
        // A DISCONNECT may only follow a CONNACK (MQTT-3.14.0-1).
        if let goodbye, isWelcomed || goodbye.type == .connack { write(goodbye) }
        flush()
        hasEnded = true
        socket.end()
        attachment?.detach(reason, expiry: expiry)
        attachment = nil
        context?.close(promise: nil)
    }

    private func noteFailure(_ goodbye: Packet) {
        server.logger.debug("connection ended by the gateway", metadata: metadata([LogKey.reason: "\(goodbye)"]))
    }

    /// Lets go of everything, once.
    private func finish() {
        guard loop.connections.removeValue(forKey: ObjectIdentifier(self)) != nil else { return }
        connectDeadline?.cancel()
        attachment?.detach(.lost, expiry: nil)
        attachment = nil
        owner?.release()
        owner = nil
        authentication = nil
        received = ByteBuffer()
        accountForRest()
    }
}
