/// A node of a `LevelTree`, whatever hangs on it.
enum LevelNode {
    typealias ID = Int32
    static let root: ID = 0
    static let none: ID = -1

    /// The children of a node: none, an only one, or those that the table finds.
    ///
    /// Most nodes that have any have one: the levels at the top that all topics share, and those below a device that has one topic. An
    /// only child is known by its number, so that it is found by a look at its name, without hash and table, and takes no place there.
    /// Once there are two the table has both, and keeps the one that is left when the other goes.
    struct Children {
        /// How many the table has; below zero the complement of an only child.
        private var bits: Int32

        static let none = Children(inTable: 0)

        init(only child: ID) { bits = ~child }

        init(inTable count: Int32) { bits = count }

        @inline(__always)
        var isEmpty: Bool { bits == 0 }

        /// The only child that the table does not have, or `none`.
        @inline(__always)
        var only: ID { bits < 0 ? ~bits : LevelNode.none }

        @inline(__always)
        var areInTable: Bool { bits > 0 }

        /// One more or one less in the table.
        mutating func countInTable(_ change: Int32) { bits += change }
    }
}
