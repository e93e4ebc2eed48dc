import Logging
import MQTTCodec
import Messaging
import NIOCore

/// From the mailbox to the client. A full window stops deliveries at QoS 1 and 2 and nothing else (MQTT-3.3.4-10, MQTT-4.9.0-3).
extension ConnectionHandler {
    /// Bytes of one write, about: as much as the channel buffers before it stops being writable.
    private static let writeSize = 65_536
    /// Deliveries taken at once, at most. Begins small, because a few large messages fill a write, too.
    private static let takeLimit = 4...256
    /// After so many takes the other connections of the loop have their turn.
    private static let takesPerTurn = 32

    /// The core has something: deliveries, a commit point, or the end of being held back.
    func wokenUp() {
        guard machine.state == .open else { return }
        writeCommittedReplies()
        deliver()
        resumeReading()
    }

    /// Takes what the mailbox holds and writes it.
    func deliver() {
        prepareDeliveries()
        flush()
    }

    private func prepareDeliveries() {
        isTakePending = true
        guard isWelcomed, let attachment, isWritable else { return }
        var deliveries = loop.lendDeliveries()
        var limit = Self.takeLimit.lowerBound
        var takes = 0
        repeat {
            let result = attachment.take(limit, into: &deliveries)
            isTakePending = result == .more
            send(deliveries, attachment)
            deliveries.empty()
            limit = min(limit * 4, Self.takeLimit.upperBound)
            if outgoing.readableBytes >= Self.writeSize {
                flush()
                limit = Self.takeLimit.lowerBound
            }
            takes += 1
        } while isTakePending && isWritable && takes < Self.takesPerTurn
        loop.takeBack(&deliveries)
        if isTakePending, isWritable { owner?.wake() }
    }

    private func send(_ deliveries: [Delivery], _ attachment: any Attachment) {
        guard !deliveries.isEmpty, let version = machine.version else { return }
        if outgoing.capacity == 0 { outgoing = loop.lendBuffer() }
        server.counters.publishesSent.add(UInt64(deliveries.count))
        let deliveries = deliveries.span  // looked at in place: nothing is retained
        var next = 0
        while next < deliveries.count {
            if outgoingAliases == nil {
                let start = next
                next = deliveries.encodePlain(
                    from: start, into: &outgoing, version: version, maximumPacketSize: clientMaximumPacketSize)
                if server.tracesPackets { for _ in start..<next { trace("packet sent", .publish) } }
                guard next < deliveries.count else { break }
            }
            sendAlone(deliveries[next], attachment, version: version)
            next += 1
        }
    }

    /// What says more than topic and payload, is named by an alias, is too large, or is only a release.
    private func sendAlone(
        _ delivery: Delivery, _ attachment: any Attachment, version: ProtocolVersion
    ) {
        guard delivery.step == .publish else { return sendRelease(delivery) }
        let now = server.clock.now()
        let fits =
            outgoingAliases == nil
            ? delivery.encode(
                into: &outgoing, version: version, maximumPacketSize: clientMaximumPacketSize, now: now)
            : sendAliased(delivery, into: &outgoing, version: version, now: now)
        if !fits {  // MQTT-3.1.2-25
            server.counters.deliveriesTooLarge.add()
            attachment.discard(delivery, reason: .tooLargeForReceiver)
        }
        if server.tracesPackets { trace("packet sent", .publish) }
    }

    /// What is sent by alias looks different to each receiver, so nothing is shared.
    private func sendAliased(
        _ delivery: Delivery, into buffer: inout ByteBuffer, version: ProtocolVersion, now: Timestamp
    ) -> Bool {
        let use = outgoingAliases?.use(for: delivery.message) ?? .name
        let fits = delivery.encode(
            into: &buffer, version: version, maximumPacketSize: clientMaximumPacketSize, now: now, naming: use)
        if fits { outgoingAliases?.sent(use) }
        return fits
    }

    /// MQTT-4.4.0-1: after PUBREC only PUBREL is repeated.
    private func sendRelease(_ delivery: Delivery) {
        guard let identifier = PacketIdentifier(delivery.packetID) else { return }
        write(.pubrel(Acknowledgement(identifier)))
    }
}
