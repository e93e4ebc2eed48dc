import Logging
import MQTTCodec
import Messaging
import NIOCore
import Transport

/// From the client to the broker, and the answers back.
extension ConnectionHandler {
    /// A PUBLISH of a client that is in.
    func receive(_ publish: borrowing ReceivedPublish, from publisher: UnsafeRawBufferPointer?) {
        switch machine.judge(publish) {
        case .accepted(let alias): collect(publish, alias, from: publisher)
        case .refused(let action): perform(judged: action)
        }
    }

    /// Puts a publication into the batch of this turn.
    /// - Parameters:
    ///   - alias: the name its topic alias stands for; nil when it says its own.
    ///   - publisher: octets of the client's identifier.
    func collect(_ publish: borrowing ReceivedPublish, _ alias: TopicName?, from publisher: UnsafeRawBufferPointer?) {
        guard attachment != nil else { return }
        if batch.isEmpty {
            batch = loop.lendBatch()
            batchTime = server.clock.now()
        }
        if publish.qos == .exactlyOnce, let identifier = publish.packetIdentifier, let attachment {
            switch attachment.beginReceiving(packetID: identifier.rawValue) {
            case true?: machine.began(isNew: true)
            case false?: return batch.append(repetition: identifier)
            case nil: return perform(machine.cannotBegin())
            }
        }
        batch.append(
            Message(publish, alias: alias, publisher: publisher, now: batchTime), publish.packetIdentifier)
    }

    /// Hands the batch to the broker and prepares the answers, in the order of the publications (MQTT-4.6.0-2, MQTT-4.6.0-3).
    func publishBatch() {
        guard !batch.isEmpty, let attachment else { return }
        var batch = PublishBatch()
        swap(&batch, &self.batch)
        var outcomes = loop.lendOutcomes()
        let count = batch.messages.count
        server.counters.publishesReceived.add(UInt64(count))
        attachment.publish(&batch.messages, outcomes: &outcomes)
        precondition(outcomes.count == count, "the broker decides on every message")
        var acknowledged = loop.lendIdentifiers()
        for answer in batch.answers {
            if let identifier = plainAcknowledgement(answer, outcomes) {
                acknowledged.append(identifier.rawValue)
                continue
            }
            write(acknowledgements: &acknowledged)
            switch answer {
            case .repetition(let identifier):
                reply(machine.repeated(identifier), after: attachment.recorded)
            case .reply(let reply, let point):
                self.reply(reply, after: point)
            case .message(let place, let qos, let identifier):
                self.answer(identifier, qos, outcomes[place], attachment)
            }
        }
        write(acknowledgements: &acknowledged)
        loop.takeBack(&acknowledged)
        loop.takeBack(&outcomes)
        loop.takeBack(batch)
    }

    /// The identifier of a PUBACK that may be written now and says nothing else, as nearly all do; nil for any other answer.
    private func plainAcknowledgement(_ answer: PublishBatch.Answer, _ outcomes: [PublishOutcome]) -> PacketIdentifier?
    {
        guard case .message(let place, .atLeastOnce, let identifier) = answer,
            case .accepted(let receivers, let commit) = outcomes[place], replies.isEmpty, isCommitted(commit),
            machine.acknowledgesPlainly(receivers: receivers)
        else { return nil }
        return identifier
    }

    private func answer(
        _ identifier: PacketIdentifier, _ qos: Messaging.QoS, _ outcome: PublishOutcome, _ attachment: any Attachment
    ) {
        switch outcome {
        case .refused(.detached): break  // the goodbye is on its way
        case .refused(let refusal) where refusal.isTemporary && machine.version != .v5:
            // Before 5.0 an acknowledgement says "accepted"; only a client that connects anew sends the message again.
            if qos == .exactlyOnce { _ = attachment.endReceiving(packetID: identifier.rawValue) }
            perform(machine.cannotAccept())
        case .refused:
            // A refusing PUBREC ends the exchange (MQTT-4.3.3-9): its identifier may be used again.
            if qos == .exactlyOnce, machine.version == .v5 {
                _ = attachment.endReceiving(packetID: identifier.rawValue)
            }
            reply(machine.published(identifier, at: qos, outcome))
        case .accepted(_, let commit):
            reply(machine.published(identifier, at: qos, outcome), after: commit)
        }
    }
}

// MARK: - Answers

extension ConnectionHandler {
    /// Answers a packet of this turn, after those that came before it.
    func answer(_ reply: Reply, after point: CommitPoint = .none) {
        if batch.isEmpty { self.reply(reply, after: point) } else { batch.append(reply, after: point) }
    }

    /// Writes `reply`, or lets it wait until `point` is committed and everything before it has left.
    func reply(_ reply: Reply, after point: CommitPoint = .none) {
        if replies.isEmpty, isCommitted(point) { write(reply) } else { replies.append(reply, after: point) }
    }

    /// Writes the answers whose promise has come true and asks to be woken for the next.
    func writeCommittedReplies() {
        while let point = replies.nextPoint {
            guard isCommitted(point) || attachment?.wakeWhenCommitted(point) != false else { return }
            if let reply = replies.popFirst() { write(reply) }
        }
    }

    private func write(_ reply: Reply) {
        switch reply {
        case .packet(let packet): write(packet)
        case .plain(let type, let identifier): write(type, identifier)
        }
    }

    private func write(_ type: PacketType, _ identifier: PacketIdentifier) {
        guard !hasEnded else { return }
        guard clientMaximumPacketSize >= PacketEncoder.acknowledgementSize else { return cannotSend(type) }
        prepareOutgoing()
        PacketEncoder.encodeAcknowledgement(type, identifier, into: &outgoing)
        if server.tracesPackets { trace("packet sent", type) }
    }

    /// Writes PUBACKs that say no more than their identifiers.
    private func write(acknowledgements identifiers: inout [UInt16]) {
        guard !identifiers.isEmpty, !hasEnded else { return }
        guard clientMaximumPacketSize >= PacketEncoder.acknowledgementSize else { return cannotSend(.puback) }
        prepareOutgoing()
        PacketEncoder.encodeAcknowledgements(identifiers, into: &outgoing)
        if server.tracesPackets { for _ in identifiers { trace("packet sent", .puback) } }
        identifiers.empty()
    }

    func cannotSend(_ type: PacketType) {
        if machine.state != .over { perform(machine.cannotSend(type)) }
    }

    func isCommitted(_ point: CommitPoint) -> Bool {
        if point <= committed { return true }
        guard server.broker.isCommitted(point) else { return false }
        committed = point
        return true
    }

    /// Ends what one read brought: the batch goes to the broker, everything ready goes to the client at the end of the loop's turn.
    func finishTurn() {
        publishBatch()
        writeCommittedReplies()
        if isTakePending { deliver() }
        if outgoing.readableBytes > 0 { loop.flushLater(self) }
        resumeReading()
    }

    /// Writes `packet`. One that is larger than the client takes loses its explanation; if that does not help, it ends the
    /// connection, because the client would wait for it in vain.
    func write(_ packet: Packet) {
        guard !hasEnded else { return }
        prepareOutgoing()
        guard encode(packet) || encode(packet.withoutExplanation) else {
            return cannotSend(packet.type)
        }
        if server.tracesPackets { trace("packet sent", packet.type) }
        if packet.type == .connack, machine.state == .open {
            isWelcomed = true
            isTakePending = true
        }
    }

    /// - Returns: false when the packet is larger than the client takes (MQTT-3.1.2-24); nothing was written then.
    private func encode(_ packet: Packet) -> Bool {
        let start = outgoing.writerIndex
        PacketEncoder.encode(packet, into: &outgoing, version: machine.version ?? .v311)
        guard outgoing.writerIndex - start > clientMaximumPacketSize else { return true }
        outgoing.moveWriterIndex(to: start)
        return false
    }

    func prepareOutgoing() {
        if outgoing.capacity == 0 { outgoing = loop.lendAnswerBuffer() }
    }

    /// One write for all that was prepared.
    func flush() {
        guard outgoing.readableBytes > 0, let context else { return }
        server.counters.bytesSent.add(UInt64(outgoing.readableBytes))
        // Emptied before the write: it may make the channel writable again, and then deliveries are prepared within this call.
        var bytes = ByteBuffer()
        swap(&bytes, &outgoing)
        if !socket.write(&bytes, of: context.channel) { context.writeAndFlush(wrapOutboundOut(bytes), promise: nil) }
        loop.takeBack(&bytes)
    }
}
