import Logging
import MQTTCodec
import Messaging
import NIOCore

/// From SUBSCRIBE and UNSUBSCRIBE to the broker, and the answers back.
extension ConnectionHandler {
    /// Puts a SUBSCRIBE or UNSUBSCRIBE of a client that is in into the batch of this read.
    func receiveFilters(in frame: Frame, _ decoder: PacketDecoder) throws(DecodeError) {
        publishBatch()  // what came before
        guard attachment != nil else { return }
        if filters.isEmpty { filters = loop.lendFilters() }
        let refusal = try filters.append(frame, decoder, machine.rules.configuration.capabilities) { request, filters in
            machine.judge(request, filters)
        }
        if let refusal { perform(judged: refusal) }
    }

    /// Tells the core what the client has asked for in this read so far, and prepares the answers.
    func changeSubscriptions() {
        guard !filters.isEmpty, let attachment else { return }
        var filters = FilterBatch()
        swap(&filters, &self.filters)
        let commit = attachment.change(filters.changes, outcomes: &filters.outcomes)
        precondition(filters.outcomes.count == filters.changes.count, "the broker decides on every filter")
        filters.forEachAnswer { request, answer in
            if request.type == .subscribe {
                if answer.failures > 0 { server.counters.subscriptionsRefused.add(UInt64(answer.failures)) }
                if machine.version == .v31 { answer.grantRefused() }
            }
            reply(to: request, answer, after: commit)
        }
        loop.takeBack(filters)
    }

    /// A packet is made of the answer only when it says more than its codes, or has to wait.
    private func reply(to request: FilterRequest, _ answer: borrowing FilterAnswer, after point: CommitPoint) {
        let reason = machine.explains && answer.failures > 0 ? answer.reasonString : nil
        guard reason == nil, replies.isEmpty, isCommitted(point) else {
            return reply(.packet(Packet(answering: request, answer, reason)), after: point)
        }
        guard !hasEnded else { return }
        prepareOutgoing()
        let start = outgoing.writerIndex
        PacketEncoder.encodeAnswer(to: request, answer.codes, into: &outgoing, version: machine.version ?? .v311)
        let type: PacketType = request.type == .subscribe ? .suback : .unsuback
        guard outgoing.writerIndex - start <= clientMaximumPacketSize else {
            outgoing.moveWriterIndex(to: start)
            return cannotSend(type)
        }
        if server.tracesPackets { trace("packet sent", type) }
    }
}

extension PacketType {
    /// SUBSCRIBE or UNSUBSCRIBE.
    var hasFilters: Bool { self == .subscribe || self == .unsubscribe }
}

extension Packet {
    fileprivate init(answering request: FilterRequest, _ answer: borrowing FilterAnswer, _ reason: String?) {
        self =
            if request.type == .subscribe {  // MQTT-3.8.4-1, MQTT-3.8.4-2, MQTT-2.2.1-6
                .suback(
                    SubAck(request.packetIdentifier, reasonCodes: answer.codes, properties: .reason(reason)))
            } else {  // MQTT-3.10.4-4, MQTT-3.10.4-5, MQTT-3.11.3-1, MQTT-3.11.3-2
                .unsuback(
                    UnsubAck(request.packetIdentifier, reasonCodes: answer.codes, properties: .reason(reason)))
            }
    }
}
