import Glibc

/// A tree of topic levels in flat arrays: the skeleton that the subscription index and the retained messages share.
///
/// A node is an integer; what hangs on a node is kept by the user of the tree in arrays of its own, indexed by node. Children
/// are found through one hash table over (parent, level), so a walk touches no objects and counts no references.
///
///     node 0 = root        nodes     [ parent | name | hash | chain | uses ]
///     "a/+/c"  0→1→2→3     buckets   [ head of chain, by hash of (parent, level) ]
///                          names     [ length, octets of each level, one after the other ]
///                          families  [ first child | siblings ], where children are listed
struct LevelTree: ~Copyable {
    typealias NodeID = Int32
    static let root: NodeID = 0
    static let none: NodeID = -1

    fileprivate struct Node {
        var parent: NodeID
        /// Where its length and octets stand in `names`.
        var name: UInt32
        var hash: UInt32
        /// Next node in the same bucket; for a free node the next free one.
        var chain: NodeID
        /// Reasons to keep the node: its children, and what its user hung on it.
        var uses: Int32
    }

    private struct Family {
        var firstChild = LevelTree.none
        var nextSibling = LevelTree.none
        var previousSibling = LevelTree.none
    }

    /// The length before each name.
    fileprivate typealias NameLength = UInt16

    private var nodes: FlatArray<Node>
    private var buckets: FlatArray<NodeID>
    private var names = FlatArray<UInt8>()
    private var families = FlatArray<Family>()
    private let listsChildren: Bool
    /// Octets in `names` that belong to no node any more.
    private var garbage = 0
    private var freeList = LevelTree.none
    /// Unknown to peers, so that they cannot aim at one bucket.
    private let seed: UInt64

    /// Nodes in use, the root included.
    private(set) var count = 1
    /// One more than the greatest node in use: the size users' arrays need.
    var capacity: Int { nodes.count }

    /// - Parameter listsChildren: `firstChild` and `nextSibling` will be asked for.
    init(listsChildren: Bool = false, seed: UInt64 = .random(in: .min ... .max)) {
        self.listsChildren = listsChildren
        self.seed = seed
        buckets = FlatArray(repeating: Self.none, count: 64)
        nodes = FlatArray(
            repeating: Node(parent: Self.none, name: 0, hash: 0, chain: Self.none, uses: 1), count: 1)
        appendName(UnsafeRawBufferPointer(start: nil, count: 0))
        if listsChildren { families.append(Family()) }
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

    /// Lends the arrays as bare pointers for a walk that must not check bounds at each step.
    @inline(__always)
    func withView<Result>(_ body: (View) -> Result) -> Result {
        nodes.withElements { nodes in
            buckets.withElements { buckets in
                names.withElements { names in
                    body(View(nodes: nodes, buckets: buckets, names: UnsafeRawBufferPointer(names)))
                }
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
            let start = Int(node.name)
            guard Int(names.loadUnaligned(fromByteOffset: start, as: NameLength.self)) == level.count else {
                return false
            }
            guard let name = names.baseAddress, let other = level.baseAddress else { return level.isEmpty }
            return memcmp(name + start + MemoryLayout<NameLength>.size, other, level.count) == 0
        }

        @inline(__always)
        fileprivate func name(of node: Node) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: lengthAndName(of: node).dropFirst(MemoryLayout<NameLength>.size))
        }

        @inline(__always)
        fileprivate func lengthAndName(of node: Node) -> UnsafeRawBufferPointer {
            let start = Int(node.name)
            let count = names.loadUnaligned(fromByteOffset: start, as: NameLength.self)
            return UnsafeRawBufferPointer(rebasing: names[start..<start + MemoryLayout<NameLength>.size + Int(count)])
        }
    }

    func parent(of node: NodeID) -> NodeID { nodes[Int(node)].parent }
    func firstChild(of node: NodeID) -> NodeID { families[Int(node)].firstChild }
    func nextSibling(of node: NodeID) -> NodeID { families[Int(node)].nextSibling }

    /// Calls `body` with the octets of the node's level.
    func withName<Result>(of node: NodeID, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withView { body($0.name(of: $0.nodes[Int(node)])) }
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
        return path.withUTF8 { insert(Levels(UnsafeRawBufferPointer($0))) }
    }

    mutating func insert(_ levels: Levels) -> NodeID {
        var node = Self.root
        for level in levels {
            let levelHash = hash(level)
            let existing = child(of: node, level: level, levelHash: levelHash)
            node = existing == Self.none ? append(level, hash: Self.combine(levelHash, node), to: node) : existing
        }
        return node
    }

    /// The node at the end of `path`, or `none`.
    func find(_ path: String) -> NodeID {
        var path = path
        return path.withUTF8 { find(Levels(UnsafeRawBufferPointer($0))) }
    }

    func find(_ levels: Levels) -> NodeID {
        var node = Self.root
        for level in levels {
            node = child(of: node, level: level, levelHash: hash(level))
            guard node != Self.none else { return Self.none }
        }
        return node
    }

    /// Keeps the node although it may have no children, until each `hold` is followed by a `release`.
    mutating func hold(_ node: NodeID) { nodes[Int(node)].uses += 1 }

    /// Ends one `hold`: the node goes, with those of its ancestors that nothing needs any more.
    mutating func release(_ node: NodeID) {
        endHold(node)
        var node = node
        while let parent = removeUnused(node) { node = parent }
    }

    /// Ends one `hold`. To be followed by `removeUnused` of the node, of its parent, and so on.
    mutating func endHold(_ node: NodeID) { nodes[Int(node)].uses -= 1 }

    /// Takes out a node that nothing needs any more.
    /// - Returns: its parent; nil when the node is needed.
    mutating func removeUnused(_ node: NodeID) -> NodeID? {
        guard nodes[Int(node)].uses == 0 else { return nil }
        let parent = nodes[Int(node)].parent
        remove(node)
        if garbage > 4_096, garbage > names.count / 2 { compactNames() }
        return parent
    }

    private mutating func append(_ level: UnsafeRawBufferPointer, hash: UInt32, to parent: NodeID) -> NodeID {
        if count * 2 >= buckets.count * 3 { grow() }
        let bucket = Int(hash) & (buckets.count - 1)
        let id = store(Node(parent: parent, name: appendName(level), hash: hash, chain: buckets[bucket], uses: 0))
        buckets[bucket] = id
        nodes[Int(parent)].uses += 1
        if listsChildren { adopt(id, by: parent) }
        count += 1
        return id
    }

    @discardableResult
    private mutating func appendName(_ level: UnsafeRawBufferPointer) -> UInt32 {
        let place = UInt32(names.count)
        withUnsafeBytes(of: NameLength(level.count)) { names.append(contentsOf: $0) }
        names.append(contentsOf: level)
        return place
    }

    private mutating func store(_ node: Node) -> NodeID {
        guard freeList != Self.none else {
            nodes.append(node)
            if listsChildren { families.append(Family()) }
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
        if listsChildren { disown(id, by: node.parent) }
        garbage += MemoryLayout<NameLength>.size + withName(of: id) { $0.count }
        nodes[Int(node.parent)].uses -= 1
        nodes[Int(id)].chain = freeList
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
        for bucket in buckets.indices { buckets[bucket] = Self.none }
        buckets.grow(filling: Self.none, to: buckets.count * 2)
        for id in nodes.indices where isInUse(id) {
            let bucket = Int(nodes[id].hash) & (buckets.count - 1)
            nodes[id].chain = buckets[bucket]
            buckets[bucket] = NodeID(id)
        }
    }

    private func isInUse(_ id: Int) -> Bool { id != Self.root && nodes[id].parent != Self.none }

    private mutating func compactNames() {
        var compact = FlatArray<UInt8>()
        for id in nodes.indices where id == Self.root || isInUse(id) {
            let place = UInt32(compact.count)
            withView { compact.append(contentsOf: $0.lengthAndName(of: $0.nodes[id])) }
            nodes[id].name = place
        }
        swap(&names, &compact)
        garbage = 0
    }

    // MARK: Children

    private mutating func adopt(_ child: NodeID, by parent: NodeID) {
        let sibling = families[Int(parent)].firstChild
        families[Int(child)] = Family(nextSibling: sibling)
        families[Int(parent)].firstChild = child
        if sibling != Self.none { families[Int(sibling)].previousSibling = child }
    }

    private mutating func disown(_ child: NodeID, by parent: NodeID) {
        let family = families[Int(child)]
        if family.previousSibling == Self.none {
            families[Int(parent)].firstChild = family.nextSibling
        } else {
            families[Int(family.previousSibling)].nextSibling = family.nextSibling
        }
        if family.nextSibling != Self.none {
            families[Int(family.nextSibling)].previousSibling = family.previousSibling
        }
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
