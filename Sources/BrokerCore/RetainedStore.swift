import Messaging

/// The last retained message of each topic (MQTT 5.0, 3.3.1.3), found by name or by filter.
struct RetainedStore: ~Copyable {
    private var tree = LevelTree(listsChildren: true)
    /// By tree node.
    private var messages: ContiguousArray<Message?> = [nil]
    private(set) var count = 0
    private(set) var octets = 0

    enum SetResult: Equatable {
        case stored
        case removed
        /// Nothing was there to remove.
        case unchanged
        /// `limit` is reached and the topic is new.
        case full
    }

    /// Keeps `message` as its topic's last value (MQTT-3.3.1-5); an empty payload removes it (MQTT-3.3.1-6, MQTT-3.3.1-7).
    mutating func set(_ message: Message, limit: Int) -> SetResult {
        guard !message.payload.isEmpty else { return remove(message.topic) == nil ? .unchanged : .removed }
        let existing = tree.find(message.topic.string)
        let old = existing == LevelTree.none ? nil : messages[Int(existing)]
        guard old != nil || count < limit else { return .full }
        let node = tree.insert(message.topic.string)
        while messages.count < tree.capacity { messages.append(nil) }
        messages[Int(node)] = message
        octets += message.octets - (old?.octets ?? 0)
        if old == nil {
            tree.hold(node)
            count += 1
        }
        return .stored
    }

    @discardableResult
    mutating func remove(_ topic: TopicName) -> Message? {
        let node = tree.find(topic.string)
        guard node != LevelTree.none, let old = messages[Int(node)] else { return nil }
        messages[Int(node)] = nil
        tree.release(node)
        count -= 1
        octets -= old.octets
        return old
    }

    func message(of topic: TopicName) -> Message? {
        let node = tree.find(topic.string)
        return node == LevelTree.none ? nil : messages[Int(node)]
    }

    /// Appends the messages whose topics match `filter`, at most `limit`.
    func collect(_ filter: TopicFilter, limit: Int, into found: inout [Message]) {
        var pattern = filter.pattern
        pattern.withUTF8 { octets in
            let levels = Array(Levels(UnsafeRawBufferPointer(octets)))
            walk(LevelTree.root, levels[...], depth: 0, limit: limit, into: &found)
        }
    }

    private func walk(
        _ node: LevelTree.NodeID, _ levels: ArraySlice<UnsafeRawBufferPointer>, depth: Int, limit: Int,
        into found: inout [Message]
    ) {
        guard found.count < limit else { return }
        guard let level = levels.first else { return take(node, into: &found) }
        let rest = levels.dropFirst()
        if level.elementsEqual("#".utf8) { return takeAll(node, depth: depth, limit: limit, into: &found) }
        guard level.elementsEqual("+".utf8) else {
            let child = tree.child(of: node, level: level, levelHash: tree.hash(level))
            if child != LevelTree.none { walk(child, rest, depth: depth + 1, limit: limit, into: &found) }
            return
        }
        forEachChild(of: node, depth: depth) { walk($0, rest, depth: depth + 1, limit: limit, into: &found) }
    }

    /// `#` matches its parent level and all below (MQTT 5.0, 4.7.1.2).
    private func takeAll(_ node: LevelTree.NodeID, depth: Int, limit: Int, into found: inout [Message]) {
        guard found.count < limit else { return }
        take(node, into: &found)
        forEachChild(of: node, depth: depth) { takeAll($0, depth: depth + 1, limit: limit, into: &found) }
    }

    private func take(_ node: LevelTree.NodeID, into found: inout [Message]) {
        if let message = messages[Int(node)] { found.append(message) }
    }

    /// Children that a wildcard matches: all, but at the first level none that starts with `$` (MQTT-4.7.2-1).
    private func forEachChild(of node: LevelTree.NodeID, depth: Int, _ body: (LevelTree.NodeID) -> Void) {
        var child = tree.firstChild(of: node)
        while child != LevelTree.none {
            let isReserved = depth == 0 && tree.withName(of: child) { $0.first == UInt8(ascii: "$") }
            if !isReserved { body(child) }
            child = tree.nextSibling(of: child)
        }
    }
}
