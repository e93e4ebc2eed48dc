import Glibc
import Messaging

/// Rules arranged by their levels, so that asking about a topic walks its levels and not the rules.
///
/// Nodes lie in one array, children by name in another, sorted by octets within their parent: a walk allocates nothing.
struct RuleTree: Sendable {
    /// What all rules that match a topic say together.
    struct Verdict: Equatable {
        var allowed: Rights = []
        var isDenied = false
    }

    private struct Node: Sendable {
        var allowed: Rights = []
        var isDenied = false
        var any = RuleTree.none
        var rest = RuleTree.none
        var clientID = RuleTree.none
        var userName = RuleTree.none
        /// Range in `children`.
        var firstChild: Int32 = 0
        var childCount: Int32 = 0
    }

    private struct Child: Sendable {
        let name: [UInt8]
        let node: Int32
    }

    private static let none: Int32 = -1

    private var nodes: [Node] = [Node()]
    private var children: [Child] = []

    init(_ rules: [AccessRule]) {
        var names: [[[UInt8]: Int32]] = [[:]]
        for rule in rules { insert(rule, &names) }
        for node in nodes.indices {
            nodes[node].firstChild = Int32(children.count)
            nodes[node].childCount = Int32(names[node].count)
            let sorted = names[node].sorted { Self.order($0.key, $1.key) < 0 }
            children += sorted.map { Child(name: $0.key, node: $0.value) }
        }
    }

    private mutating func insert(_ rule: AccessRule, _ names: inout [[[UInt8]: Int32]]) {
        var node = 0
        for level in rule.levels {
            let next: Int32
            switch level {
            case .name(let name):
                let octets = Array(name.utf8)
                next = names[node][octets] ?? Self.none
                if next == Self.none { names[node][octets] = Int32(nodes.count) }
            case .any: next = link(\.any, of: node)
            case .rest: next = link(\.rest, of: node)
            case .clientID: next = link(\.clientID, of: node)
            case .userName: next = link(\.userName, of: node)
            }
            if next == Self.none {
                node = nodes.count
                nodes.append(Node())
                names.append([:])
            } else {
                node = Int(next)
            }
        }
        switch rule.effect {
        case .allow(let rights): nodes[node].allowed.formUnion(rights)
        case .deny: nodes[node].isDenied = true
        }
    }

    /// The child of that kind; when there is none, `none`, and the link leads to the node that is made next.
    private mutating func link(_ kind: WritableKeyPath<Node, Int32>, of node: Int) -> Int32 {
        let existing = nodes[node][keyPath: kind]
        if existing == Self.none { nodes[node][keyPath: kind] = Int32(nodes.count) }
        return existing
    }

    private static func order(_ left: [UInt8], _ right: [UInt8]) -> Int {
        left.withUnsafeBytes { left in right.withUnsafeBytes { right in order(left, right) } }
    }

    private static func order(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        guard left.count == right.count else { return left.count - right.count }
        guard let ours = left.baseAddress, let theirs = right.baseAddress else { return 0 }
        return Int(memcmp(ours, theirs, left.count))
    }
}

// MARK: - Asking

extension RuleTree {
    /// What the rules say about `topic` for `principal`, added to `verdict`.
    func ask(_ topic: TopicName, _ principal: Principal, _ verdict: inout Verdict) {
        var text = topic.string
        text.withUTF8 { octets in
            let walk = Walk(tree: self, topic: UnsafeRawBufferPointer(octets), principal: principal)
            walk.visit(0, start: 0, depth: 0, isUsable: true, &verdict)
        }
    }

    private struct Walk {
        let tree: RuleTree
        let topic: UnsafeRawBufferPointer
        let principal: Principal

        /// - Parameters:
        ///   - start: where the level at `depth` begins; beyond the end by one when all levels are matched.
        ///   - isUsable: false below a placeholder whose name is no level: what follows may deny but not allow.
        func visit(_ index: Int32, start: Int, depth: Int, isUsable: Bool, _ verdict: inout Verdict) {
            guard !verdict.isDenied else { return }
            let node = tree.nodes[Int(index)]
            let matchesWildcards = depth > 0 || topic.first != UInt8(ascii: "$")  // MQTT-4.7.2-1
            if node.rest != RuleTree.none, matchesWildcards { take(node.rest, isUsable, &verdict) }
            guard start <= topic.count else { return take(index, isUsable, &verdict) }
            var end = start
            while end < topic.count, topic[end] != UInt8(ascii: "/") { end += 1 }
            let level = UnsafeRawBufferPointer(rebasing: topic[start..<end])
            let next = (start: end + 1, depth: depth + 1)
            if let child = tree.child(of: node, level) {
                visit(child, start: next.start, depth: next.depth, isUsable: isUsable, &verdict)
            }
            if node.any != RuleTree.none, matchesWildcards {
                visit(node.any, start: next.start, depth: next.depth, isUsable: isUsable, &verdict)
            }
            visit(.clientID, node.clientID, level, next, isUsable, &verdict)
            visit(.userName, node.userName, level, next, isUsable, &verdict)
        }

        private func visit(
            _ kind: AccessRule.Level, _ child: Int32, _ level: UnsafeRawBufferPointer, _ next: (start: Int, depth: Int),
            _ isUsable: Bool, _ verdict: inout Verdict
        ) {
            guard child != RuleTree.none, let isOwn = fills(kind, level, depth: next.depth - 1) else { return }
            visit(child, start: next.start, depth: next.depth, isUsable: isUsable && isOwn, &verdict)
        }

        /// Whether the placeholder's name is this level: true when it is, false when the name cannot be a level at all, nil
        /// when it is another one.
        private func fills(_ kind: AccessRule.Level, _ level: UnsafeRawBufferPointer, depth: Int) -> Bool? {
            switch principal.name(for: kind, depth: depth) {
            case .none: nil
            case .usable(let name): name.utf8.elementsEqual(level) ? true : nil
            case .unusable: false
            }
        }

        private func take(_ index: Int32, _ isUsable: Bool, _ verdict: inout Verdict) {
            let node = tree.nodes[Int(index)]
            if isUsable { verdict.allowed.formUnion(node.allowed) }
            if node.isDenied { verdict.isDenied = true }
        }
    }

    /// Binary search among a node's children.
    private func child(of node: Node, _ level: UnsafeRawBufferPointer) -> Int32? {
        var low = Int(node.firstChild)
        var high = low + Int(node.childCount)
        while low < high {
            let middle = (low + high) / 2
            let order = children[middle].name.withUnsafeBytes { Self.order($0, level) }
            if order == 0 { return children[middle].node }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}
