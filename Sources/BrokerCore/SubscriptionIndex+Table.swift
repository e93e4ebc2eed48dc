/// The table of entries by subscriber, place and share group.
extension SubscriptionIndex {
    private func bucket(_ subscriber: SubscriberID, _ place: Place, _ share: ShareGroups.GroupID) -> Int {
        var hash = UInt64(UInt32(bitPattern: subscriber)) << 32 | UInt64(UInt32(bitPattern: place.node))
        if place.isBelow { hash = ~hash }
        hash = (hash ^ UInt64(UInt32(bitPattern: share)) << 17) &* 0x9E37_79B9_7F4A_7C15
        return Int(hash >> 32) & (entryBuckets.count - 1)
    }

    private func bucket(_ entry: Entry) -> Int { bucket(entry.subscriber, entry.place, entry.share) }

    func find(_ subscriber: SubscriberID, _ place: Place, _ share: ShareGroups.GroupID) -> EntryID {
        var next = entryBuckets[bucket(subscriber, place, share)]
        while next != Self.none {
            let entry = entries[Int(next)]
            if entry.subscriber == subscriber, entry.place == place, entry.share == share { return next }
            next = entry.chain
        }
        return Self.none
    }

    mutating func store(_ entry: Entry) -> EntryID {
        // Nobody asks while messages flow, so chains may be longer than the tree's.
        if count >= entryBuckets.count * 2 { growBuckets() }
        let id: EntryID
        if freeEntry == Self.none {
            id = EntryID(entries.count)
            entries.append(entry)
        } else {
            id = freeEntry
            freeEntry = entries[Int(id)].chain
            entries[Int(id)] = entry
        }
        let bucket = bucket(entry)
        entries[Int(id)].chain = entryBuckets[bucket]
        entryBuckets[bucket] = id
        return id
    }

    mutating func unchain(_ id: EntryID) {
        let entry = entries[Int(id)]
        let bucket = bucket(entry)
        guard entryBuckets[bucket] != id else { return entryBuckets[bucket] = entry.chain }
        var before = entryBuckets[bucket]
        while entries[Int(before)].chain != id { before = entries[Int(before)].chain }
        entries[Int(before)].chain = entry.chain
    }

    private mutating func growBuckets() {
        let old = entryBuckets.count
        entryBuckets.grow(filling: Self.none, to: old * 2)
        for head in 0..<old {
            var next = entryBuckets[head]
            entryBuckets[head] = Self.none
            while next != Self.none {
                let id = next
                let entry = entries[Int(id)]
                next = entry.chain
                let bucket = bucket(entry)
                entries[Int(id)].chain = entryBuckets[bucket]
                entryBuckets[bucket] = id
            }
        }
    }
}
