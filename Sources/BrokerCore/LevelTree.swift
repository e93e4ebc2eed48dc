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

        @inline(__always)
        func child(of parent: LevelNode.ID, _ level: UnsafeRawBufferPointer) -> LevelNode.ID {
            child(of: parent, LevelKey(level))
        }

        @inline(__always)
        fileprivate func child(of parent: LevelNode.ID, _ key: LevelKey) -> LevelNode.ID {
            let children = nodes[Int(parent)].children
            guard children.areInTable else {
                let only = children.only
                return only != LevelNode.none && isNamed(nodes[Int(only)].name, key) ? only : LevelNode.none
            }
            return table.find(key.hash(under: parent, seed: seed)) { id in
                let node = nodes[Int(id)]
                return node.parent == parent && isNamed(node.name, key)
            }
        }

        @inline(__always)
        private func isNamed(_ name: LevelName, _ key: LevelKey) -> Bool {
            if let short = key.name { return name == short }
            guard !name.isShort, let level = key.level.baseAddress, let names = names.baseAddress else { return false }
            let start = names + name.place
            return Int(start.loadUnaligned(as: NameLength.self)) == key.level.count
                && memcmp(start + MemoryLayout<NameLength>.size, level, key.level.count) == 0
        }

        /// A long name with its length before it.
        @inline(__always)
        fileprivate func lengthAndName(_ name: LevelName) -> UnsafeRawBufferPointer {
            let count = names.loadUnaligned(fromByteOffset: name.place, as: NameLength.self)
            return UnsafeRawBufferPointer(
                rebasing: names[name.place..<name.place + MemoryLayout<NameLength>.size + Int(count)])
        }
    }

    func parent(of node: LevelNode.ID) -> LevelNode.ID { nodes[Int(node)].parent }

    /// Whether a node has children that `insertChild` made.
    func hasChildren(_ node: LevelNode.ID) -> Bool { !nodes[Int(node)].children.isEmpty }

    /// Calls `body` with the octets of the node's level.
    func withName<Result>(of node: LevelNode.ID, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let name = nodes[Int(node)].name
        guard !name.isShort else { return name.withShortText(body) }
        return withView {
            body(UnsafeRawBufferPointer(rebasing: $0.lengthAndName(name).dropFirst(MemoryLayout<NameLength>.size)))
        }
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
        var node = LevelNode.root
        for level in levels {
            node = child(of: node, level)
            guard node != LevelNode.none else { return LevelNode.none }
        }
        return node
    }

    // MARK: Growing and shrinking

    /// The child of `parent` with this level, made when missing.
    mutating func insertChild(_ level: UnsafeRawBufferPointer, of parent: LevelNode.ID) -> (
        node: LevelNode.ID, isNew: Bool
    ) {
        let key = LevelKey(level)
        let existing = withView { $0.child(of: parent, key) }
        guard existing == LevelNode.none else { return (existing, false) }
        let node = store(Node(parent: parent, name: key.name ?? append(level), children: .none, load: emptyLoad))
        let siblings = nodes[Int(parent)].children
        if siblings.isEmpty {
            nodes[Int(parent)].children = LevelNode.Children(only: node)
        } else {
            if siblings.only != LevelNode.none {
                nodes[Int(parent)].children = LevelNode.Children(inTable: 1)
                table.insert(siblings.only, hash: hash(of: siblings.only))
            }
            nodes[Int(parent)].children.countInTable(1)
            table.insert(node, hash: key.hash(under: parent, seed: seed))
        }
        return (node, true)
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
        withUnsafeBytes(of: NameLength(level.count)) { names.append(contentsOf: $0) }
        names.append(contentsOf: level)
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
            withView { compact.append(contentsOf: $0.lengthAndName($0.nodes[id].name)) }
            nodes[id].name = LevelName(place: place)
        }
        swap(&names, &compact)
        garbage = 0
    }
}
