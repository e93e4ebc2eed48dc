import CLinux

/// The search for a child in steps, of which each asks memory for what the next one reads: between them there is time for something
/// else, best of all for steps of other searches.
extension LevelTree.View {
    struct Search: BitwiseCopyable {
        /// What the table is asked for.
        fileprivate let hash: UInt32
        /// The child as far as is known: its name is still to be compared.
        fileprivate(set) var node: LevelNode.ID

        static var inVain: Search { Search(hash: 0, node: LevelNode.none) }

        /// In place of a node that only the table knows.
        fileprivate static var isInTable: LevelNode.ID { -2 }
    }

    /// First step: where in the table the child is, unless it is an only one. Reads the parent.
    @inline(__always)
    func beginSearch(_ level: UnsafeRawBufferPointer, below parent: LevelNode.ID) -> Search {
        let children = nodes[Int(parent)].children
        guard children.areInTable else { return Search(hash: 0, node: children.only) }
        let hash = LevelKey(level).hash(under: parent, seed: seed)
        table.prefetch(hash)
        return Search(hash: hash, node: Search.isInTable)
    }

    /// The same for the last of some levels.
    @inline(__always)
    func beginSearch(_ levels: Levels) -> Search {
        var search = Search(hash: 0, node: LevelNode.root)
        for level in levels {
            let parent = guess(search)
            guard parent != LevelNode.none else { return .inVain }
            search = beginSearch(level, below: parent)
        }
        return search
    }

    /// The node that is searched for in nearly all cases, else another one or `none`: no name is compared, nor waited for. `none` is a guess,
    /// too: a level on the way may have been taken for another one of the same hash.
    @inline(__always)
    func guess(_ search: Search) -> LevelNode.ID {
        search.node == Search.isInTable ? table.find(search.hash) { _ in true } : search.node
    }

    /// Second step: which node it is, should its name be the right one. Reads the table.
    @inline(__always)
    func continueSearch(_ search: inout Search) {
        settle(&search)
        prefetch(search.node)
    }

    /// The same for whoever does not look at the node.
    @inline(__always)
    func settle(_ search: inout Search) { search.node = guess(search) }

    /// Third step: the name. Reads the node.
    @inline(__always)
    func prefetchName(of node: LevelNode.ID) {
        guard node != LevelNode.none, let start = names.baseAddress, !nodes[Int(node)].name.isShort else { return }
        linux_prefetch(start + nodes[Int(node)].name.place)
    }

    /// Last step: the child of `parent` with this level, or `none`. Reads the name.
    @inline(__always)
    func endSearch(
        _ search: Search, _ level: UnsafeRawBufferPointer, below parent: LevelNode.ID
    ) -> LevelNode.ID {
        let node = search.node
        guard node != LevelNode.none else { return LevelNode.none }
        if nodes[Int(node)].parent == parent, isNamed(node, LevelKey(level)) { return node }
        return child(of: parent, level)  // another one has the same hash
    }

    /// Asks memory for a node, which may be `none`.
    @inline(__always)
    func prefetch(_ node: LevelNode.ID) { nodes.prefetch(node) }
}
