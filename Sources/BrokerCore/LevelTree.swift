import Glibc

/// A tree of topic levels in flat arrays: the skeleton that the subscription index and the retained messages share.
///
/// A node is an integer; what hangs on a node is kept by the user of the tree in arrays of its own, indexed by node. Children
/// are found through one hash table over (parent, level), so a walk touches no objects and counts no references.
///
///     node 0 = root        nodes     [ parent | name offset | length | hash | chain | first child | siblings ]
///     "a/+/c"  0→1→2→3     buckets   [ head of chain, by hash of (parent, level) ]
///                          names     [ octets of all levels, one after the other ]
struct LevelTree: ~Copyable {
    typealias NodeID = Int32
    static let root: NodeID = 0
    static let none: NodeID = -1

    fileprivate struct Node {
        var parent: NodeID
        var nameOffset: UInt32
        var hash: UInt32
        /// Next node in the same bucket; for a free node the next free one.
        var chain: NodeID
        var firstChild: NodeID
        var nextSibling: NodeID
        var previousSibling: NodeID
        var nameLength: UInt16
        /// Reasons to keep the node: what its user hung on it.
        var isHeld: Bool
    }

    private var nodes: ContiguousArray<Node>
    private var buckets: ContiguousArray<NodeID>
    private var names: ContiguousArray<UInt8> = []
    /// Octets in `names` that belong to no node any more.
    private var garbage = 0
    private var freeList = LevelTree.none
    /// Unknown to peers, so that they cannot aim at one bucket.
    private let seed: UInt64

    /// Nodes in use, the root included.
    private(set) var count = 1
    /// One more than the greatest node in use: the size users' arrays need.
    var capacity: Int { nodes.count }

    init(seed: UInt64 = .random(in: .min ... .max)) {
        self.seed = seed
        buckets = ContiguousArray(repeating: Self.none, count: 64)
        nodes = [
            Node(
                parent: Self.none, nameOffset: 0, hash: 0, chain: Self.none, firstChild: Self.none,
                nextSibling: Self.none, previousSibling: Self.none, nameLength: 0, isHeld: true)
        ]
    }

    // MARK: Walking

    /// Hash of one level's octets, to be computed once per level and used with every parent.
    @inline(__always)
    func hash(_ level: UnsafeRawBufferPointer) -> UInt64 {
        var state = seed ^ UInt64(truncatingIfNeeded: level.count)
        var offset = 0
        while offset + 8 <= level.count {
            state = Self.mix(state ^ level.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        var tail: UInt64 = 0
        while offset < level.count {
            tail = tail << 8 | UInt64(level[offset])
            offset += 1
        }
        return Self.mix(state ^ tail)
    }

    /// The child of `parent` with this level, or `none`. `levelHash` is `hash(level)`.
    func child(of parent: NodeID, level: UnsafeRawBufferPointer, levelHash: UInt64) -> NodeID {
        withView { $0.child(of: parent, level: level, levelHash: levelHash) }
    }

    /// Lends the arrays as bare pointers for a walk that must not check bounds or count references at each step.
    @inline(__always)
    func withView<Result>(_ body: (View) -> Result) -> Result {
        nodes.withUnsafeBufferPointer { nodes in
            buckets.withUnsafeBufferPointer { buckets in
                names.withUnsafeBytes { names in body(View(nodes: nodes, buckets: buckets, names: names)) }
            }
        }
    }

    /// The tree while it cannot change. Valid inside `withView` only.
    struct View {
        fileprivate let nodes: UnsafeBufferPointer<Node>
        fileprivate let buckets: UnsafeBufferPointer<NodeID>
        fileprivate let names: UnsafeRawBufferPointer

        @inline(__always)
        func child(of parent: NodeID, level: UnsafeRawBufferPointer, levelHash: UInt64) -> NodeID {
            let hash = LevelTree.combine(levelHash, parent)
            // A power of two of buckets, and links that only ever hold nodes: the indices are in bounds by construction.
            var id = buckets[Int(hash) & (buckets.count - 1)]
            while id != LevelTree.none {
                let node = nodes[Int(id)]
                if node.hash == hash, node.parent == parent, isNamed(node, level) { return id }
                id = node.chain
            }
            return LevelTree.none
        }

        @inline(__always)
        private func isNamed(_ node: Node, _ level: UnsafeRawBufferPointer) -> Bool {
            guard Int(node.nameLength) == level.count else { return false }
            guard let name = names.baseAddress, let other = level.baseAddress else { return level.isEmpty }
            return memcmp(name + Int(node.nameOffset), other, level.count) == 0
        }
    }

    func parent(of node: NodeID) -> NodeID { nodes[Int(node)].parent }
    func firstChild(of node: NodeID) -> NodeID { nodes[Int(node)].firstChild }
    func nextSibling(of node: NodeID) -> NodeID { nodes[Int(node)].nextSibling }

    /// Calls `body` with the octets of the node's level.
    func withName<Result>(of node: NodeID, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let node = nodes[Int(node)]
        return names.withUnsafeBytes { bytes in
            let start = Int(node.nameOffset)
            return body(UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(node.nameLength)]))
        }
    }

    /// The levels from the root to `node`, joined by `/`.
    func path(to node: NodeID) -> String {
        var levels: [String] = []
        var node = node
        while node != Self.root {
            levels.append(withName(of: node) { String(decoding: $0, as: UTF8.self) })
            node = parent(of: node)
        }
        return levels.reversed().joined(separator: "/")
    }

    // MARK: Growing and shrinking

    /// The node at the end of `path`, made with its ancestors where missing. The caller `hold`s what it hangs something on.
    mutating func insert(_ path: String) -> NodeID {
        var path = path
        return path.withUTF8 { octets in
            var node = Self.root
            for level in Levels(UnsafeRawBufferPointer(octets)) {
                let levelHash = hash(level)
                let existing = child(of: node, level: level, levelHash: levelHash)
                node = existing == Self.none ? append(level, hash: Self.combine(levelHash, node), to: node) : existing
            }
            return node
        }
    }

    /// The node at the end of `path`, or `none`.
    func find(_ path: String) -> NodeID {
        var path = path
        return path.withUTF8 { octets in
            var node = Self.root
            for level in Levels(UnsafeRawBufferPointer(octets)) {
                node = child(of: node, level: level, levelHash: hash(level))
                guard node != Self.none else { return Self.none }
            }
            return node
        }
    }

    /// Keeps the node although it may have no children.
    mutating func hold(_ node: NodeID) { nodes[Int(node)].isHeld = true }

    /// Ends `hold`: the node goes, with those of its ancestors that nothing needs any more.
    mutating func release(_ node: NodeID) {
        nodes[Int(node)].isHeld = false
        var node = node
        while node != Self.root, !nodes[Int(node)].isHeld, nodes[Int(node)].firstChild == Self.none {
            let parent = nodes[Int(node)].parent
            remove(node)
            node = parent
        }
        if garbage > 4_096, garbage > names.count / 2 { compactNames() }
    }

    private mutating func append(_ level: UnsafeRawBufferPointer, hash: UInt32, to parent: NodeID) -> NodeID {
        if count >= buckets.count { grow() }
        let sibling = nodes[Int(parent)].firstChild
        let bucket = Int(hash) & (buckets.count - 1)
        let new = Node(
            parent: parent, nameOffset: UInt32(names.count), hash: hash, chain: buckets[bucket],
            firstChild: Self.none, nextSibling: sibling, previousSibling: Self.none,
            nameLength: UInt16(level.count), isHeld: false)
        names.append(contentsOf: level)
        let id = store(new)
        buckets[bucket] = id
        nodes[Int(parent)].firstChild = id
        if sibling != Self.none { nodes[Int(sibling)].previousSibling = id }
        count += 1
        return id
    }

    private mutating func store(_ node: Node) -> NodeID {
        guard freeList != Self.none else {
            nodes.append(node)
            return NodeID(nodes.count - 1)
        }
        let id = freeList
        freeList = nodes[Int(id)].chain
        nodes[Int(id)] = node
        return id
    }

    private mutating func remove(_ id: NodeID) {
        let node = nodes[Int(id)]
        unchain(id, bucket: Int(node.hash) & (buckets.count - 1))
        if node.previousSibling == Self.none {
            nodes[Int(node.parent)].firstChild = node.nextSibling
        } else {
            nodes[Int(node.previousSibling)].nextSibling = node.nextSibling
        }
        if node.nextSibling != Self.none { nodes[Int(node.nextSibling)].previousSibling = node.previousSibling }
        garbage += Int(node.nameLength)
        nodes[Int(id)].chain = freeList
        nodes[Int(id)].nameLength = 0
        nodes[Int(id)].parent = Self.none
        freeList = id
        count -= 1
    }

    private mutating func unchain(_ id: NodeID, bucket: Int) {
        guard buckets[bucket] != id else { return buckets[bucket] = nodes[Int(id)].chain }
        var before = buckets[bucket]
        while nodes[Int(before)].chain != id { before = nodes[Int(before)].chain }
        nodes[Int(before)].chain = nodes[Int(id)].chain
    }

    private mutating func grow() {
        buckets = ContiguousArray(repeating: Self.none, count: buckets.count * 2)
        for id in nodes.indices where id != Self.root && nodes[id].parent != Self.none {
            let bucket = Int(nodes[id].hash) & (buckets.count - 1)
            nodes[id].chain = buckets[bucket]
            buckets[bucket] = NodeID(id)
        }
    }

    private mutating func compactNames() {
        var compact = ContiguousArray<UInt8>()
        compact.reserveCapacity(names.count - garbage)
        for id in nodes.indices where nodes[id].nameLength > 0 {
            let start = Int(nodes[id].nameOffset)
            nodes[id].nameOffset = UInt32(compact.count)
            compact.append(contentsOf: names[start..<start + Int(nodes[id].nameLength)])
        }
        names = compact
        garbage = 0
    }

    @inline(__always)
    fileprivate static func combine(_ levelHash: UInt64, _ parent: NodeID) -> UInt32 {
        UInt32(truncatingIfNeeded: mix(levelHash ^ UInt64(UInt32(bitPattern: parent)) << 32))
    }

    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}
