import Logging
import MQTTCodec
import Messaging
import NIOCore

/// From bytes to packets, and from a packet to what follows from it.
extension ConnectionHandler {
    func decode() {
        isDecoding = true
        // Local for the loop: each packet would read and write it in the object.
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
            perform(judged: machine.receive(consume packet, makeIdentifier: loop.makeClientIdentifier))
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
        case .reply(let packet): answer(.packet(packet))
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
        let wasKnown = attachment?.endReceiving(packetID: identifier.rawValue) ?? false
        answer(machine.released(identifier, wasKnown: wasKnown), after: attachment?.recorded ?? .none)
    }

    /// MQTT-4.6.0-4: releases leave in the order of the receptions.
    private func settle(_ identifier: PacketIdentifier, _ settlement: Settlement) {
        let wasKnown = attachment?.settle(packetID: identifier.rawValue, settlement) ?? false
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
