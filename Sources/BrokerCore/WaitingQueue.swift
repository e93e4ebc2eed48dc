import DequeModule

/// Entries in the order they will leave. It cannot be copied, and entries are moved in and out: no reference is counted on the way.
typealias WaitingQueue = UniqueDeque<Mailbox.Entry>

extension UniqueDeque where Element == Mailbox.Entry {
    var first: Mailbox.Entry? { isEmpty ? nil : self[0] }

    func firstIndex(where isWanted: (borrowing Mailbox.Entry) -> Bool) -> Int? {
        for index in indices where isWanted(self[index]) { return index }
        return nil
    }

    func lastIndex(where isWanted: (borrowing Mailbox.Entry) -> Bool) -> Int? {
        for index in indices.reversed() where isWanted(self[index]) { return index }
        return nil
    }

    /// Takes out, in their order, the entries that are unwanted.
    mutating func removeAll(where isUnwanted: (borrowing Mailbox.Entry) -> Bool) -> [Mailbox.Entry] {
        var removed: [Mailbox.Entry] = []
        for _ in indices {
            let entry = removeFirst()
            if isUnwanted(entry) { removed.append(entry) } else { append(entry) }
        }
        return removed
    }
}
