import Glibc
import Messaging

/// A tree of topic levels in flat arrays: the skeleton that the subscription index and the retained messages share.
///
/// A node is an integer. What its user hangs on it, its load, lies in the node, so that a walk meets both in one line of memory.
/// An only child is found through its parent, others through one table over (parent, level), so a walk touches no objects and counts no
/// references.
///
///     node 0 = root        nodes   [ parent | name | children | load ]
///     "a/+/c"  0→1→2→3     table   nodes that have siblings by hash of (parent, level)
///                          names   [ length, octets of each long level, one after the other ]
struct LevelTree<Load: BitwiseCopyable & Sendable>: ~Copyable {
    struct Node {
        /// For a free node the next free one.
        var parent: LevelNode.ID
        var name: LevelName
        /// Those made by `insertChild`.
        var children: LevelNode.Children
        var load: Load
    }

    /// The length before each long name.
    fileprivate typealias NameLength = UInt16

    private var nodes: FlatArray<Node>
    private var table = NodeTable()
    private var names = FlatArray<UInt8>()
    /// Octets in `names` that belong to no node any more.
    private var garbage = 0
    private var freeList = LevelNode.none
    private let emptyLoad: Load
    /// Unknown to peers, so that they cannot aim at one place of the table.
    private let seed: UInt64

    /// Nodes in use, the root included.
    private(set) var count = 1
    /// One more than the greatest node in use: the size that users' arrays need.
    var capacity: Int { nodes.count }

    /// Of memory.
    var octets: Int { nodes.octets + table.octets + names.octets }

    /// - Parameter load: of a new node.
    init(load: Load, seed: UInt64 = .random(in: .min ... .max)) {
        self.seed = seed
        emptyLoad = load
        nodes = FlatArray(
            repeating: Node(parent: LevelNode.none, name: .plus, children: .none, load: load), count: 1)
    }

    /// What hangs on a node.
    subscript(node: LevelNode.ID) -> Load {
        @inline(__always) get { nodes[Int(node)].load }
        @inline(__always) set { nodes[Int(node)].load = newValue }
    }

    // MARK: Walking

    /// The child of `parent` with this level, or `none`.
    func child(of parent: LevelNode.ID, _ level: UnsafeRawBufferPointer) -> LevelNode.ID {
        withView { $0.child(of: parent, level) }
    }

    /// Lends the arrays as bare pointers for a walk that must not check bounds at each step.
    @inline(__always)
    func withView<Result>(_ body: (View) -> Result) -> Result {
        nodes.withElements { nodes in
            table.withView { table in
                names.withElements { names in
                    body(View(nodes: nodes, table: table, names: UnsafeRawBufferPointer(names), seed: seed))
                }
            }
        }
    }

    /// The tree while it cannot change. Valid inside `withView` only.
    struct View {
        let nodes: UnsafeBufferPointer<Node>
        let table: NodeTable.View
        let names: UnsafeRawBufferPointer
        let seed: UInt64

        subscript(node: LevelNode.ID) -> Load {
            @inline(__always) get { nodes[Int(node)].load }
        }

        @inline(__always)
        func hasChildren(_ node: LevelNode.ID) -> Bool { !nodes[Int(node)].children.isEmpty }

        /// The child of `parent` with this level, or `none`.
        @inline(__always)
        func child(of parent: LevelNode.ID, _ level: UnsafeRawBufferPointer) -> LevelNode.ID {
            let key = LevelKey(level)
            let children = nodes[Int(parent)].children
            guard children.areInTable else {
                let only = children.only
                return only != LevelNode.none && isNamed(only, key) ? only : LevelNode.none
            }
            return find(key, key.hash(under: parent, seed: seed), below: parent)
        }

        /// Looks into the table.
        @inline(__always)
        fileprivate func find(_ key: LevelKey, _ hash: UInt32, below parent: LevelNode.ID) -> LevelNode.ID {
            table.find(hash) { id in nodes[Int(id)].parent == parent && isNamed(id, key) }
        }

        @inline(__always)
        func isNamed(_ node: LevelNode.ID, _ key: LevelKey) -> Bool {
            let name = nodes[Int(node)].name
            if let short = key.name { return name == short }
            guard !name.isShort, let level = key.level.baseAddress, let names = names.baseAddress else { return false }
            let start = names + name.place
            return Int(start.loadUnaligned(as: NameLength.self)) == key.level.count
                && memcmp(start + MemoryLayout<NameLength>.size, level, key.level.count) == 0
        }

        /// The text of a long name.
        @inline(__always)
        fileprivate func text(of name: LevelName) -> UnsafeRawBufferPointer {
            let count = names.loadUnaligned(fromByteOffset: name.place, as: NameLength.self)
            let start = name.place + MemoryLayout<NameLength>.size
            return UnsafeRawBufferPointer(rebasing: names[start..<start + Int(count)])
        }
    }

    func parent(of node: LevelNode.ID) -> LevelNode.ID { nodes[Int(node)].parent }

    /// Whether a node has children that `insertChild` made.
    func hasChildren(_ node: LevelNode.ID) -> Bool { !nodes[Int(node)].children.isEmpty }

    /// Calls `body` with the octets of the node's level.
    func withName<Result>(of node: LevelNode.ID, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let name = nodes[Int(node)].name
        guard !name.isShort else { return name.withShortText(body) }
        return withView { body($0.text(of: name)) }
    }

    /// The levels from the root to `node`, joined by `/`.
    func path(to node: LevelNode.ID) -> String {
        var levels: [String] = []
        var node = node
        while node != LevelNode.root {
            levels.append(withName(of: node) { String(decoding: $0, as: UTF8.self) })
            node = parent(of: node)
        }
        return levels.reversed().joined(separator: "/")
    }

    /// The node at the end of `levels`, or `none`.
    func find(_ levels: Levels) -> LevelNode.ID {
        withView { tree in
            var node = LevelNode.root
            for level in levels {
                node = tree.child(of: node, level)
                guard node != LevelNode.none else { return LevelNode.none }
            }
            return node
        }
    }

    /// The node at the end of `levels` in nearly all cases, else another one or `none`. Whoever can tell from what hangs on it whether it is
    /// the right one is spared waiting for the node and its name.
    func guess(_ levels: Levels) -> LevelNode.ID { withView { $0.guess($0.beginSearch(levels)) } }

    // MARK: Growing and shrinking

    /// The child of `parent` with this level, made when missing.
    mutating func insertChild(_ level: UnsafeRawBufferPointer, of parent: LevelNode.ID) -> (
        node: LevelNode.ID, isNew: Bool
    ) {
        let key = LevelKey(level)
        let siblings = nodes[Int(parent)].children
        guard siblings.areInTable else { return insertChild(key, besides: siblings.only, of: parent) }
        let hash = key.hash(under: parent, seed: seed)
        let existing = withView { $0.find(key, hash, below: parent) }
        guard existing == LevelNode.none else { return (existing, false) }
        let node = make(key, below: parent)
        enter(node, hash, below: parent)
        return (node, true)
    }

    /// - Parameter sibling: the only one; `none` for none.
    private mutating func insertChild(
        _ key: LevelKey, besides sibling: LevelNode.ID, of parent: LevelNode.ID
    ) -> (node: LevelNode.ID, isNew: Bool) {
        guard sibling != LevelNode.none else {
            let node = make(key, below: parent)
            nodes[Int(parent)].children = LevelNode.Children(only: node)
            return (node, true)
        }
        guard withView({ !$0.isNamed(sibling, key) }) else { return (sibling, false) }
        nodes[Int(parent)].children = .none
        enter(sibling, hash(of: sibling), below: parent)
        let node = make(key, below: parent)
        enter(node, key.hash(under: parent, seed: seed), below: parent)
        return (node, true)
    }

    private mutating func make(_ key: LevelKey, below parent: LevelNode.ID) -> LevelNode.ID {
        store(Node(parent: parent, name: key.name ?? append(key.level), children: .none, load: emptyLoad))
    }

    private mutating func enter(_ node: LevelNode.ID, _ hash: UInt32, below parent: LevelNode.ID) {
        table.insert(node, hash: hash)
        nodes[Int(parent)].children.countInTable(1)
    }

    /// A new child of `parent` that its parent does not know and whose name is `+`: its user has to find it by other means.
    mutating func appendPlus(to parent: LevelNode.ID) -> LevelNode.ID {
        store(Node(parent: parent, name: .plus, children: .none, load: emptyLoad))
    }

    /// Takes out a node that has no children.
    /// - Returns: its parent.
    @discardableResult
    mutating func remove(_ id: LevelNode.ID) -> LevelNode.ID {
        let parent = nodes[Int(id)].parent
        if nodes[Int(parent)].children.areInTable {
            table.remove(id, hash: hash(of: id))
            nodes[Int(parent)].children.countInTable(-1)
        } else {
            nodes[Int(parent)].children = .none
        }
        free(id)
        return parent
    }

    /// What the table finds it by.
    private func hash(of id: LevelNode.ID) -> UInt32 {
        withName(of: id) { LevelKey($0).hash(under: parent(of: id), seed: seed) }
    }

    /// Takes out a node that `appendPlus` made and that has no children.
    mutating func removePlus(_ id: LevelNode.ID) { free(id) }

    private mutating func append(_ level: UnsafeRawBufferPointer) -> LevelName {
        // What is garbage is moved out once it is more than half, and more than there are nodes to look at.
        if garbage > max(4_096, names.count / 2, nodes.count) { compactNames() }
        let place = names.count
        names.append(NameLength(level.count), level)
        return LevelName(place: place)
    }

    private mutating func store(_ node: Node) -> LevelNode.ID {
        count += 1
        guard freeList != LevelNode.none else {
            nodes.append(node)
            return LevelNode.ID(nodes.count - 1)
        }
        let id = freeList
        freeList = nodes[Int(id)].parent
        nodes[Int(id)] = node
        return id
    }

    private mutating func free(_ id: LevelNode.ID) {
        if !nodes[Int(id)].name.isShort { garbage += MemoryLayout<NameLength>.size + withName(of: id) { $0.count } }
        nodes[Int(id)] = Node(parent: freeList, name: .plus, children: .none, load: emptyLoad)
        freeList = id
        count -= 1
    }

    private mutating func compactNames() {
        var compact = FlatArray<UInt8>()
        for id in nodes.indices where !nodes[id].name.isShort {
            let place = compact.count
            withName(of: LevelNode.ID(id)) { compact.append(NameLength($0.count), $0) }
            nodes[id].name = LevelName(place: place)
        }
        swap(&names, &compact)
        garbage = 0
    }
}
