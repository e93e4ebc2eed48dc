import Logging
import MQTTCodec
import Messaging
import NIOCore

/// From bytes to packets, and from a packet to what follows from it.
extension ConnectionHandler {
    /// Reads the packets at the beginning of `bytes` and takes them out; all of it when one of them ends the connection.
    func decode(_ bytes: inout ByteBuffer) {
        isDecoding = true
        var pass = DecodingPass(decoder: decoder)
        defer {
            isDecoding = false
            if pass.size > 0 { hasHeardPacket = true }
            decoder = pass.decoder
            bytes.moveReaderIndex(forwardBy: machine.state == .over ? bytes.readableBytes : pass.size)
        }
        do {
            try bytes.withUnsafeReadableBytes { (bytes) throws(DecodeError) in
                while try receivePackets(in: bytes, &pass) {}
            }
        } catch {
            server.counters.protocolErrors.add()
            server.logger.debug("malformed packet", metadata: metadata([LogKey.error: "\(error)"]))
            perform(machine.receive(error, version: pass.decoder.version))
        }
        changeSubscriptions()
        acknowledge()
        let excess = machine.takeExcess()
        if excess > 0 { server.counters.receiveMaximumExceeded.add(excess) }
    }

    /// Local while the packets of one read are decoded: each would read and write it in the object, and count references.
    private struct DecodingPass {
        var decoder: PacketDecoder
        /// Bytes of the packets read.
        var size = 0
    }

    /// Reads packets until there are no more, or the client has come in with one of them: whose the next are is looked up once.
    /// - Returns: false when there are no more, or when none may be read now.
    private func receivePackets(
        in bytes: UnsafeRawBufferPointer, _ pass: inout DecodingPass
    ) throws(DecodeError) -> Bool {
        let publisher = clientID
        return try publisher.withOctets { (octets) throws(DecodeError) in
            repeat {
                guard pass.size < bytes.count else { return false }
                let rest = UnsafeRawBufferPointer(rebasing: bytes[pass.size...])
                guard try receivePacket(at: rest, from: octets, &pass) else { return false }
            } while (clientID == nil) == (publisher == nil)
            return true
        }
    }

    /// Reads one packet and performs what follows from it.
    /// - Parameter publisher: octets of the client's identifier, once it is in.
    /// - Returns: false when there is none, or when it may not be read now.
    private func receivePacket(
        at bytes: UnsafeRawBufferPointer, from publisher: UnsafeRawBufferPointer?, _ pass: inout DecodingPass
    ) throws(DecodeError) -> Bool {
        guard !machine.isUndecided, machine.state != .over, let frame = try pass.decoder.frame(at: bytes) else {
            return false
        }
        guard filters.isEmpty || frame.type.hasFilters else {
            changeSubscriptions()  // what came before
            return true  // to look again: that may have ended the connection
        }
        if server.tracesPackets { trace("packet received", frame.type) }
        if frame.type == .publish, machine.state == .open {
            let publish = try pass.decoder.publish(in: frame)
            pass.size += frame.size
            receive(publish, from: publisher)
        } else if let identifier = frame.plainAcknowledgement, machine.state == .open {
            pass.size += frame.size
            receive(frame.type, identifier)
        } else if frame.type.hasFilters, machine.state == .open {
            try receiveFilters(in: frame, pass.decoder)
            pass.size += frame.size
        } else {
            let packet = try pass.decoder.packet(in: frame)
            pass.size += frame.size
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
        case .publish(let publication):
            clientID.withOctets { publisher in
                publication.publish.withReceived { collect($0, publication.alias, from: publisher) }
            }
        case .release(let identifier): release(identifier)
        case .settle(let identifier, let settlement): settle(identifier, settlement)
        case .reply(let packet): answer(.packet(packet))
        case .end(let goodbye, let reason, let expiry): end(goodbye: goodbye, reason, expiry: expiry)
        case .ignore: break
        }
    }

    /// A PUBACK, PUBREC, PUBREL or PUBCOMP without a reason.
    private func receive(_ type: PacketType, _ identifier: PacketIdentifier) {
        guard type != .puback else { return acknowledged(identifier) }
        acknowledge()  // what came before
        switch type {
        case .pubrec: settle(identifier, .received)
        case .pubrel: release(identifier)
        default: settle(identifier, .completed)
        }
    }

    private func acknowledged(_ identifier: PacketIdentifier) {
        if acknowledgements.isEmpty { acknowledgements = loop.lendIdentifiers() }
        acknowledgements.append(identifier.rawValue)
    }

    /// Tells the core what the client has acknowledged in this read so far.
    func acknowledge() {
        guard !acknowledgements.isEmpty else { return }
        var packetIDs: [UInt16] = []
        swap(&packetIDs, &acknowledgements)
        attachment?.acknowledge(packetIDs: packetIDs)
        loop.takeBack(&packetIDs)
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

    func trace(_ message: Logger.Message, _ type: PacketType) {
        server.logger.trace(message, metadata: metadata([LogKey.packet: "\(type)"]))
    }

    func metadata(_ more: Logger.Metadata) -> Logger.Metadata {
        var metadata: Logger.Metadata = [LogKey.peer: "\(peer.address)", LogKey.listener: "\(peer.listener)"]
        if let attachment { metadata[LogKey.client] = "\(attachment.clientID)" }
        return metadata.merging(more) { $1 }
    }
}
