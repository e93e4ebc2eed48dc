import MQTTCodec
import NIOCore

/// A PUBLISH encoded once; for each message identifier, stamp and number in the topic are written over the last ones.
struct PublishTemplate {
    /// Digits of the number in a topic.
    static let topicDigits = 7

    private(set) var octets: [UInt8]
    /// Nil without payload.
    private let stampOffset: Int?
    /// Nil at QoS 0.
    private let identifierOffset: Int?
    /// Where in the topic its number begins.
    private let numberOffset: Int?

    /// - Parameters:
    ///   - topic: may hold one `{}`, which stands for a number of `topicDigits` digits.
    ///   - payloadOctets: at least `Stamp.size`; nil for no payload at all.
    init(topic: String, qos: QoS, payloadOctets: Int?, isRetained: Bool = false, version: ProtocolVersion) {
        let parts = topic.split(separator: "{}", maxSplits: 1, omittingEmptySubsequences: false)
        let topic = parts.joined(separator: String(repeating: "0", count: Self.topicDigits))
        let padding = [UInt8](repeating: 0x61, count: payloadOctets.map { max($0, Stamp.size) } ?? 0)
        var buffer = ByteBuffer()
        PacketEncoder.encode(
            .publish(
                Publish(
                    topic: ByteBuffer(string: topic), payload: ByteBuffer(bytes: padding), qos: qos,
                    packetIdentifier: qos == .atMostOnce ? nil : 1, isRetained: isRetained)),
            into: &buffer, version: version)
        octets = Array(buffer.readableBytesView)
        stampOffset = padding.isEmpty ? nil : octets.count - padding.count
        let propertyOffset = octets.count - padding.count - (version.hasProperties ? 1 : 0)
        identifierOffset = qos == .atMostOnce ? nil : propertyOffset - 2
        let topicOffset = (identifierOffset ?? propertyOffset) - topic.utf8.count
        numberOffset = parts.count > 1 ? topicOffset + parts[0].utf8.count : nil
    }

    /// - Parameter identifier: not written at QoS 0.
    mutating func set(_ stamp: Stamp, identifier: UInt16, topicNumber: Int) {
        if let stampOffset { stamp.write(into: &octets, at: stampOffset) }
        if let identifierOffset {
            octets[identifierOffset] = UInt8(identifier >> 8)
            octets[identifierOffset + 1] = UInt8(truncatingIfNeeded: identifier)
        }
        guard let numberOffset else { return }
        var rest = topicNumber
        for index in (numberOffset..<(numberOffset + Self.topicDigits)).reversed() {
            octets[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }

    /// The number as it stands in the topic, for filters.
    static func digits(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, topicDigits - text.count)) + text
    }
}
