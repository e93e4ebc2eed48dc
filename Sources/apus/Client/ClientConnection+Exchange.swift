import MQTTCodec
import NIOCore

extension ClientConnection {
    /// Publishes one message and waits until its QoS is fulfilled.
    mutating func publish(_ topic: String, _ payload: ByteBuffer, qos: QoS, isRetained: Bool) async throws {
        let identifier: PacketIdentifier? = qos == .atMostOnce ? nil : 1
        try await writer.send(
            .publish(
                Publish(
                    topic: ByteBuffer(string: topic), payload: payload, qos: qos, packetIdentifier: identifier,
                    isRetained: isRetained)))
        guard let identifier else { return }
        while true {
            switch try await next() {
            case .puback(let answer) where qos == .atLeastOnce && answer.packetIdentifier == identifier:
                return try check(answer)
            case .pubrec(let answer) where qos == .exactlyOnce && answer.packetIdentifier == identifier:
                try check(answer)
                try await writer.send(.pubrel(Acknowledgement(identifier)))
            case .pubcomp(let answer) where qos == .exactlyOnce && answer.packetIdentifier == identifier:
                return
            default: throw ClientError.protocolViolation
            }
        }
    }

    private func check(_ answer: Acknowledgement) throws {
        guard !answer.reasonCode.isFailure else { throw ClientError.publishRefused(answer.reasonCode) }
    }

    /// Subscribes to all filters and hands each message to `receive`, acknowledged, until that returns false.
    mutating func subscribe(
        to filters: [String], qos: QoS, receive: (_ topic: String, _ message: Publish) -> Bool
    ) async throws {
        try await writer.send(.subscribe(Subscribe(1, filters: filters.map { Subscribe.Filter($0, qos: qos) })))
        // Messages between PUBLISH and PUBREL: the second copy is not shown again (MQTT-4.3.3-10).
        var unreleased: Set<PacketIdentifier> = []
        while true {
            switch try await next() {
            case .suback(let answer):
                for (filter, code) in zip(filters, answer.reasonCodes) where code.isFailure {
                    throw ClientError.subscribeRefused(filter: filter, code)
                }
            case .publish(let message):
                let isNew = message.packetIdentifier.map { message.qos != .exactlyOnce || unreleased.insert($0).inserted } ?? true
                let wantsMore = !isNew || receive(String(buffer: message.topic), message)
                try await acknowledge(message)
                guard wantsMore else { return }
            case .pubrel(let release):
                unreleased.remove(release.packetIdentifier)
                try await writer.send(.pubcomp(Acknowledgement(release.packetIdentifier)))
            default: throw ClientError.protocolViolation
            }
        }
    }

    private func acknowledge(_ message: Publish) async throws {
        guard let identifier = message.packetIdentifier else { return }
        let answer = Acknowledgement(identifier)
        try await writer.send(message.qos == .exactlyOnce ? .pubrec(answer) : .puback(answer))
    }
}
