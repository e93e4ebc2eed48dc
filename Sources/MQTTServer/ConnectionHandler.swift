import Logging
import MQTTCodec
import Messaging
import NIOCore
import Transport

/// One connection, whatever carries its bytes: bytes in -> decoder -> machine -> broker, and the mailbox -> bytes out.
///
/// A turn of the event loop: everything one read brought is decoded, its publications go to the broker as one batch, the
/// answers leave in one write. Deliveries are pulled when the core has woken the connection (`wokenUp`), again in one write.
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
    private var decoder: PacketDecoder
    /// Bytes of a packet that is not complete, or that must wait while the broker decides on CONNECT.
    private var received = ByteBuffer()
    /// Octets of `received` that count in the budget of all connections.
    private var unfinished = 0
    private var isDecoding = false
    private(set) var owner: ConnectionOwner?
    private let deadline: NIODeadline
    private var connectDeadline: Scheduled<Void>?
    /// The channel wants to read and was not let.
    private var wantsRead = false
    /// A packet has come in this turn.
    private var hasHeardPacket = false

    var batch = PublishBatch()
    /// When the batch began; all its messages count as published then.
    var batchTime = Timestamp.never
    var replies = ReplyQueue()
    /// Everything up to here is known to be committed.
    var committed = CommitPoint.none
    var outgoing = ByteBuffer()
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
    }
}

// MARK: - Channel events

extension ConnectionHandler {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.connections[ObjectIdentifier(self)] = self
        connectDeadline = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.connectTimedOut() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        server.counters.bytesReceived.add(UInt64(bytes.readableBytes))
        guard machine.state != .over else { return }
        if received.readableBytes == 0 {
            received = bytes
            decode()
            keepRest()
        } else {
            received.writeBuffer(&bytes)
            decode()
            if received.readableBytes == 0 { received = ByteBuffer() } else { received.discardReadBytes() }
            accountForRest()
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // MQTT-3.1.2-22: every packet counts as a sign of life, and nothing less does.
        if hasHeardPacket { attachment?.touch() }
        hasHeardPacket = false
        finishTurn()
    }

    func channelInactive(context: ChannelHandlerContext) {
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

    /// What is left of the receive buffer is copied out of it, so that half a packet does not hold 64 KB.
    private func keepRest() {
        received = received.readableBytes == 0 ? ByteBuffer() : ByteBuffer(bytes: received.readableBytesView)
        accountForRest()
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

// MARK: - Packets

extension ConnectionHandler {
    private func decode() {
        isDecoding = true
        // Local for the loop: what a class holds is checked for overlapping access each time it is touched.
        var decoder = self.decoder
        var bytes = received
        let available = bytes.readableBytes
        received = ByteBuffer()
        defer {
            isDecoding = false
            if bytes.readableBytes < available { hasHeardPacket = true }
            self.decoder = decoder
            received = machine.state == .over ? ByteBuffer() : bytes
        }
        var size = 0
        do {
            try bytes.withUnsafeReadableBytes { (bytes) throws(DecodeError) in
                while try receivePacket(at: UnsafeRawBufferPointer(rebasing: bytes[size...]), &decoder, &size) {}
            }
        } catch {
            server.counters.protocolErrors.add()
            server.logger.debug("malformed packet", metadata: metadata([LogKey.error: "\(error)"]))
            perform(machine.receive(error, version: decoder.version))
        }
        bytes.moveReaderIndex(forwardBy: size)
        let excess = machine.takeExcess()
        if excess > 0 { server.counters.receiveMaximumExceeded.add(excess) }
    }

    /// Reads one packet and performs what follows from it.
    /// - Parameter size: of the packets read, in bytes.
    /// - Returns: false when there is none, or when it may not be read now.
    private func receivePacket(
        at bytes: UnsafeRawBufferPointer, _ decoder: inout PacketDecoder, _ size: inout Int
    ) throws(DecodeError) -> Bool {
        guard !machine.isUndecided, machine.state != .over, let frame = try decoder.frame(at: bytes) else {
            return false
        }
        if server.tracesPackets { trace("packet received", frame.type) }
        if frame.type == .publish, machine.state == .open {
            let publish = try decoder.publish(in: frame)
            size += frame.size
            receive(publish)
        } else if let identifier = frame.plainAcknowledgement, machine.state == .open {
            size += frame.size
            receive(frame.type, identifier)
        } else {
            let packet = try decoder.packet(in: frame)
            size += frame.size
            perform(judged: machine.receive(packet, makeIdentifier: loop.makeClientIdentifier))
        }
        return true
    }

    /// Performs what a packet led to.
    func perform(judged action: consuming ConnectionAction) {
        if case .end(let goodbye, .lost, _) = action { count(goodbye) }
        perform(action)
    }

    /// What the client did ended its connection.
    private func count(_ goodbye: Packet?) {
        if case .connack(let refusal) = goodbye, refusal.reasonCode == server.configuration.redirection?.reasonCode {
            server.counters.redirections.add()
        } else {
            server.counters.protocolErrors.add()
        }
    }

    func perform(_ action: consuming ConnectionAction) {
        switch consume action {
        case .open(let opening): open(opening)
        case .authenticate(let opening, let method, let data): authenticate(opening, method, data)
        case .respond(let data): respond(data)
        case .publish(let publication): publication.publish.withReceived { collect($0, publication.topic) }
        case .release(let identifier): release(identifier)
        case .settle(let identifier, let settlement): settle(identifier, settlement)
        case .subscribe(let subscribe): self.subscribe(subscribe)
        case .unsubscribe(let unsubscribe): self.unsubscribe(unsubscribe)
        case .reply(let packet): answer(packet)
        case .end(let goodbye, let reason, let expiry): end(goodbye: goodbye, reason, expiry: expiry)
        case .ignore: break
        }
    }

    /// A PUBACK, PUBREC, PUBREL or PUBCOMP without a reason.
    private func receive(_ type: PacketType, _ identifier: PacketIdentifier) {
        switch type {
        case .puback: settle(identifier, .acknowledged)
        case .pubrec: settle(identifier, .received)
        case .pubrel: release(identifier)
        default: settle(identifier, .completed)
        }
    }

    private func release(_ identifier: PacketIdentifier) {
        guard let attachment, attachment.endReceiving(packetID: identifier.rawValue) else {
            return answer(machine.released(identifier, wasKnown: false), after: attachment?.recorded ?? .none)
        }
        machine.confirmed()
        answer(plain: .pubcomp, identifier, after: attachment.recorded)
    }

    /// MQTT-4.6.0-4: releases leave in the order of the receptions.
    private func settle(_ identifier: PacketIdentifier, _ settlement: Settlement) {
        let wasKnown = attachment?.settle(packetID: identifier.rawValue, settlement) ?? false
        if settlement == .received, wasKnown {
            return answer(plain: .pubrel, identifier, after: attachment?.recorded ?? .none)
        }
        if let answer = machine.settled(identifier, settlement, wasKnown: wasKnown) {
            self.answer(answer, after: attachment?.recorded ?? .none)
        }
    }

    private func subscribe(_ subscribe: Subscribe) {
        publishBatch()
        guard let attachment else { return }
        let filters = FilterSplit<Subscription>(subscribe, server.configuration.capabilities)
        let (outcomes, commit) = attachment.subscribe(filters.valid)
        guard !outcomes.contains(.refused(.detached)) else { return }  // the goodbye is on its way
        let answer = filters.answer(
            subscribe, outcomes, explains: machine.explains, machine.version,
            refused: server.counters.subscriptionsRefused)
        reply(answer, after: commit)
    }

    private func unsubscribe(_ unsubscribe: Unsubscribe) {
        publishBatch()
        guard let attachment else { return }
        let filters = FilterSplit<TopicFilter>(unsubscribe)
        let (outcomes, commit) = attachment.unsubscribe(filters.valid)
        guard !outcomes.contains(.refused(.detached)) else { return }  // the goodbye is on its way
        reply(filters.answer(unsubscribe, outcomes, explains: machine.explains), after: commit)
    }

    func trace(_ message: Logger.Message, _ type: PacketType) {
        server.logger.trace(message, metadata: metadata([LogKey.packet: "\(type)"]))
    }

    func metadata(_ more: Logger.Metadata) -> Logger.Metadata {
        var metadata: Logger.Metadata = [LogKey.peer: "\(peer.address)", LogKey.listener: "\(peer.listener)"]
        if let attachment { metadata[LogKey.client] = "\(attachment.clientID)" }
        return metadata.merging(more) { $1 }
    }
}

// MARK: - Beginning and end

extension ConnectionHandler {
    private func open(_ opening: Opening) {
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
            reply(machine.opened(opening, sessionPresent: connected.sessionPresent), after: connected.commit)
            if let earlyClose { closedByCore(earlyClose) }
        case .failure(let refusal):
            perform(machine.refused(refusal))
        }
        goOn()
    }

    /// Something was decided that reading waited for. Within a turn that goes on by itself.
    func goOn() {
        guard !isDecoding else { return }
        decode()
        keepRest()
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

    private func end(goodbye: Packet?, _ reason: DetachReason, expiry: SessionExpiryChange?) {
        if let goodbye { noteFailure(goodbye) }
        publishBatch()  // what came before the end counts
        writeCommittedReplies()
        // A DISCONNECT may only follow a CONNACK (MQTT-3.14.0-1).
        if let goodbye, isWelcomed || goodbye.type == .connack { write(goodbye) }
        flush()
        hasEnded = true
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
