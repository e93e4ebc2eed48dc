/// A topic name in eight octets, for telling names apart where there is no room for them. Two names have the same with a
/// probability of 2^-64, which nobody can raise, because the key is chosen anew for each process.
public struct TopicDigest: Hashable, Sendable {
    private let value: Int

    /// - Parameter octets: the name in UTF-8.
    public init(_ octets: UnsafeRawBufferPointer) {
        var hasher = Hasher()
        hasher.combine(bytes: octets)
        value = hasher.finalize()
    }
}

extension Message {
    /// Of its topic, without making a name.
    public var topicDigest: TopicDigest { withOctets { topic, _ in TopicDigest(topic) } }
}

extension TopicName {
    /// Of this name.
    public var digest: TopicDigest {
        string.utf8.withContiguousStorageIfAvailable { TopicDigest(UnsafeRawBufferPointer($0)) }
            ?? Array(string.utf8).withUnsafeBytes { TopicDigest($0) }
    }
}
