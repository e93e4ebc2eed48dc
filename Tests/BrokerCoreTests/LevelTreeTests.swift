import Testing

@testable import BrokerCore

@Suite struct LevelTreeTests {
    @Test func findsWhatWasInsertedAndNothingElse() {
        let tree = Paths()
        tree.insert("a/b//temperature")
        #expect(tree.contains("a/b//temperature"))
        #expect(tree.path("a/b//temperature") == "a/b//temperature")
        #expect(tree.find("a/b") != LevelNode.none)
        #expect(tree.find("a/c") == LevelNode.none)
        #expect(tree.find("a/b/temperature") == LevelNode.none)
        #expect(tree.find("a/b//temperaturf") == LevelNode.none)
    }

    @Test func whatIsTakenOutGoesWithItsEmptyAncestors() {
        let tree = Paths()
        tree.insert("a/b/c/d")
        tree.insert("a/b")
        tree.remove("a/b/c/d")
        #expect(tree.find("a/b/c") == LevelNode.none)
        #expect(tree.contains("a/b"))
        tree.remove("a/b")
        #expect(tree.nodes == 1)
    }

    @Test func nodesOfTheSameNameUnderOtherParentsAreOthers() {
        let tree = Paths()
        tree.insert("a/x")
        tree.insert("b/x")
        #expect(tree.find("a/x") != tree.find("b/x"))
        #expect(tree.find("") == LevelNode.root)
    }

    /// It is found through its parent; with a second one both are found in the table, and the one that is left when the other goes.
    @Test func anOnlyChildIsFoundWithSiblingsAndWithout() {
        let tree = Paths()
        tree.insert("a/first/x")
        #expect(tree.find("a/firsT") == LevelNode.none)
        tree.insert("a/second/x")
        #expect(tree.contains("a/first/x"))
        #expect(tree.contains("a/second/x"))
        tree.remove("a/first/x")
        #expect(tree.find("a/first") == LevelNode.none)
        #expect(tree.contains("a/second/x"))
        tree.insert("a/third/x")
        #expect(tree.contains("a/second/x"))
        #expect(tree.contains("a/third/x"))
        tree.remove("a/second/x")
        tree.remove("a/third/x")
        #expect(tree.nodes == 1)
        tree.insert("b/first/x")
        #expect(tree.contains("b/first/x"))
    }

    @Test func anOnlyChildTakesNoPlaceInTheTable() {
        let tree = Paths()
        let empty = tree.octets
        tree.insert((0..<1_000).map { _ in "x" }.joined(separator: "/"))
        #expect(tree.octets - empty == 1_000 * 16)
    }

    /// Names of up to three octets lie in their nodes, longer ones apart: neither is taken for the other.
    @Test(arguments: ["", "a", "ab", "abc", "abcd", "abcdefgh", "abcdefghi"])
    func aNameOfAnyLengthIsItself(name: String) {
        let tree = Paths()
        let path = "x/\(name)/y"
        tree.insert(path)
        #expect(tree.path(path) == path)
        #expect(tree.find("x/\(name)a/y") == LevelNode.none)
        #expect(tree.find("x/\(name.dropLast())\u{0}/y") == LevelNode.none)
    }

    /// Grows over several table sizes, shrinks to nothing, and is checked against a plain set all the while. Names move together
    /// when many are gone.
    @Test(arguments: ["", "sensor-"])
    func behavesAsASetOfPathsUnderRandomChanges(prefix: String) {
        var random = SeededGenerator(seed: 1)
        let tree = Paths(seed: 7)
        var held: Set<String> = []
        for _ in 0..<20_000 {
            let path = (0..<Int.random(in: 1...4, using: &random))
                .map { _ in prefix + String(Int.random(in: 0..<9, using: &random)) }.joined(separator: "/")
            if held.remove(path) != nil {
                #expect(tree.contains(path))
                tree.remove(path)
            } else {
                held.insert(path)
                tree.insert(path)
            }
        }
        for path in held { #expect(tree.path(path) == path) }
        for path in held { tree.remove(path) }
        #expect(tree.nodes == 1)
    }
}

/// A set of paths: what hangs on a node says whether a path ends there.
private final class Paths {
    typealias Tree = LevelTree<Bool>

    private var tree: Tree

    init(seed: UInt64 = 3) { tree = Tree(load: false, seed: seed) }

    var nodes: Int { tree.count }
    var octets: Int { tree.octets }

    func find(_ path: String) -> LevelNode.ID { path.utf8.span.bytes.withUnsafeBytes { tree.find(Levels($0)) } }

    func contains(_ path: String) -> Bool {
        let node = find(path)
        return node != LevelNode.none && tree[node]
    }

    func path(_ path: String) -> String { tree.path(to: find(path)) }

    func insert(_ path: String) {
        var node = LevelNode.root
        path.utf8.span.bytes.withUnsafeBytes { octets in
            for level in Levels(octets) { node = tree.insertChild(level, of: node).node }
        }
        tree[node] = true
    }

    func remove(_ path: String) {
        var node = find(path)
        tree[node] = false
        while node != LevelNode.root, !tree.hasChildren(node), !tree[node] { node = tree.remove(node) }
    }
}
