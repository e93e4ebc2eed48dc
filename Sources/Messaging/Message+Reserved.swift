extension Message {
    /// Whether its topic is reserved (`TopicName.isReserved`), without counting references.
    @inlinable public var isReserved: Bool { withOctets { topic, _ in topic.first == UInt8(ascii: "$") } }
}
