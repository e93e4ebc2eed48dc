import Testing

@testable import BrokerCore

@Suite struct LevelTreeTests {
    @Test func findsWhatWasInsertedAndNothingElse() {
        var tree = LevelTree()
        let node = tree.insert("a/b//c")
        tree.hold(node)
        #expect(tree.find("a/b//c") == node)
        #expect(tree.find("a/b") != LevelTree.none)
        #expect(tree.find("a/c") == LevelTree.none)
        #expect(tree.find("a/b/c") == LevelTree.none)
        #expect(tree.path(to: node) == "a/b//c")
    }

    @Test func aReleasedNodeGoesWithItsEmptyAncestors() {
        var tree = LevelTree()
        let long = tree.insert("a/b/c/d")
        let short = tree.insert("a/b")
        tree.hold(long)
        tree.hold(short)
        tree.release(long)
        #expect(tree.find("a/b/c") == LevelTree.none)
        #expect(tree.find("a/b") == short)
        tree.release(short)
        #expect(tree.count == 1)
    }

    @Test func nodesOfTheSameNameUnderOtherParentsAreOthers() {
        var tree = LevelTree()
        #expect(tree.insert("a/x") != tree.insert("b/x"))
        #expect(tree.insert("") == LevelTree.root)
        #expect(tree.insert("/") != LevelTree.root)
    }

    /// Grows over several table sizes, shrinks to nothing, and is checked against a plain set all the while.
    @Test func behavesAsASetOfPathsUnderRandomChanges() {
        var random = SeededGenerator(seed: 1)
        var tree = LevelTree(seed: 7)
        var held: Set<String> = []
        for _ in 0..<20_000 {
            let path = (0..<Int.random(in: 1...4, using: &random))
                .map { _ in String(Int.random(in: 0..<9, using: &random)) }.joined(separator: "/")
            if held.remove(path) != nil {
                tree.release(tree.find(path))
            } else {
                held.insert(path)
                tree.hold(tree.insert(path))
            }
        }
        for path in held { #expect(tree.path(to: tree.find(path)) == path) }
        for path in held { tree.release(tree.find(path)) }
        #expect(tree.count == 1)
    }
}
