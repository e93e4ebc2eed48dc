import Glibc
import Messaging

/// The last retained message of each topic (MQTT 5.0, 3.3.1.3), found by name or by filter.
struct RetainedStore: ~Copyable {
    typealias Tree = LevelTree<Family>

    /// A node's place among the children of its parent.
    struct Family {
        var firstChild = LevelNode.none
        var nextSibling = LevelNode.none
        var previousSibling = LevelNode.none
    }

    private(set) var tree = Tree(load: Family())
    /// By tree node.
    private(set) var messages: ContiguousArray<Message?> = [nil]
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
    mutating func set(_ message: consuming Message, limit: Int) -> SetResult {
        guard message.payloadCount > 0 else { return remove(message) == nil ? .unchanged : .removed }
        guard count < limit || message.withOctets({ topic, _ in self.message(of: topic) }) != nil else { return .full }
        let node = message.withOctets { topic, _ in insert(topic) }
        octets += message.octets
        if let old = messages[Int(node)] { octets -= old.octets } else { count += 1 }
        messages[Int(node)] = message
        return .stored
    }

    /// Takes out the message of the same topic as `message`.
    @discardableResult
    mutating func remove(_ message: Message) -> Message? {
        let node = message.withOctets { topic, _ in tree.find(Levels(topic)) }
        guard node != LevelNode.none, let old = messages[Int(node)] else { return nil }
        messages[Int(node)] = nil
        removeUnused(node)
        count -= 1
        octets -= old.octets
        return old
    }

    func message(of topic: TopicName) -> Message? {
        topic.string.utf8.span.bytes.withUnsafeBytes { message(of: $0) }
    }

    private func message(of topic: UnsafeRawBufferPointer) -> Message? {
        message(of: topic, guess: tree.guess(Levels(topic)))
    }

    /// - Parameter guess: of the tree; a wrong one, or none, costs a search that compares names.
    func message(of topic: UnsafeRawBufferPointer, guess: LevelNode.ID) -> Message? {
        if guess != LevelNode.none, let message = messages[Int(guess)], message.isPublished(to: topic) {
            return message
        }
        let node = tree.find(Levels(topic))
        return node == LevelNode.none ? nil : messages[Int(node)]
    }

    /// All of them, also those that wildcards do not reach.
    func forEach(_ body: (Message) -> Void) {
        for case let message? in messages { body(message) }
    }

    /// Appends the messages whose topics match `filter`, at most `limit`.
    func collect(_ filter: TopicFilter, limit: Int, into found: inout [Message]) {
        filter.withPattern { octets in
            let levels = Array(Levels(octets))
            walk(LevelNode.root, levels[...], depth: 0, limit: limit, into: &found)
        }
    }

    private func walk(
        _ node: LevelNode.ID, _ levels: ArraySlice<UnsafeRawBufferPointer>, depth: Int, limit: Int,
        into found: inout [Message]
    ) {
        guard found.count < limit else { return }
        guard let level = levels.first else { return take(node, into: &found) }
        let rest = levels.dropFirst()
        if level.isHash { return takeAll(node, depth: depth, limit: limit, into: &found) }
        guard level.isPlus else {
            let child = tree.child(of: node, level)
            if child != LevelNode.none { walk(child, rest, depth: depth + 1, limit: limit, into: &found) }
            return
        }
        forEachChild(of: node, depth: depth) { walk($0, rest, depth: depth + 1, limit: limit, into: &found) }
    }

    /// `#` matches its parent level and all below (MQTT 5.0, 4.7.1.2).
    private func takeAll(_ node: LevelNode.ID, depth: Int, limit: Int, into found: inout [Message]) {
        guard found.count < limit else { return }
        take(node, into: &found)
        forEachChild(of: node, depth: depth) { takeAll($0, depth: depth + 1, limit: limit, into: &found) }
    }

    private func take(_ node: LevelNode.ID, into found: inout [Message]) {
        if let message = messages[Int(node)] { found.append(message) }
    }

    /// Children that a wildcard matches: all, but at the first level none that starts with `$` (MQTT-4.7.2-1).
    private func forEachChild(of node: LevelNode.ID, depth: Int, _ body: (LevelNode.ID) -> Void) {
        var child = tree[node].firstChild
        while child != LevelNode.none {
            let isReserved = depth == 0 && tree.withName(of: child) { $0.first == UInt8(ascii: "$") }
            if !isReserved { body(child) }
            child = tree[child].nextSibling
        }
    }

    // MARK: Nodes

    private mutating func insert(_ topic: UnsafeRawBufferPointer) -> LevelNode.ID {
        var node = LevelNode.root
        for level in Levels(topic) {
            let child = tree.insertChild(level, of: node)
            if child.isNew { adopt(child.node, by: node) }
            node = child.node
        }
        while messages.count < tree.capacity { messages.append(nil) }
        return node
    }

    /// Takes out a node that nothing hangs on any more, with those of its ancestors of which that is true then.
    private mutating func removeUnused(_ node: LevelNode.ID) {
        var node = node
        while node != LevelNode.root, !tree.hasChildren(node), messages[Int(node)] == nil {
            disown(node)
            node = tree.remove(node)
        }
    }

    private mutating func adopt(_ child: LevelNode.ID, by parent: LevelNode.ID) {
        let sibling = tree[parent].firstChild
        tree[child].nextSibling = sibling
        tree[parent].firstChild = child
        if sibling != LevelNode.none { tree[sibling].previousSibling = child }
    }

    private mutating func disown(_ child: LevelNode.ID) {
        let family = tree[child]
        if family.previousSibling == LevelNode.none {
            tree[tree.parent(of: child)].firstChild = family.nextSibling
        } else {
            tree[family.previousSibling].nextSibling = family.nextSibling
        }
        if family.nextSibling != LevelNode.none { tree[family.nextSibling].previousSibling = family.previousSibling }
    }
}

extension Message {
    fileprivate func isPublished(to topic: UnsafeRawBufferPointer) -> Bool {
        withOctets { own, _ in
            guard own.count == topic.count, let left = own.baseAddress, let right = topic.baseAddress else {
                return false
            }
            return memcmp(left, right, own.count) == 0
        }
    }
}
