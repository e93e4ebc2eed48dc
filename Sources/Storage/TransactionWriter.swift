import Messaging

/// Writes plans, one transaction each, with statements prepared once.
final class TransactionWriter {
    private let database: Database
    private let begin, commit, rollback: Statement
    private let putSession, removeSession: Statement
    private let putSubscription, removeSubscription, removeSubscriptions: Statement
    private let putReceiving, removeReceiving, removeAllReceiving: Statement
    private let putTopicID, removeTopicIDs: Statement
    private let putRetained, removeRetained: Statement
    private let putDelayed, removeDelayed: Statement
    private let putItem, removeItem: Statement
    private let putMeta: Statement
    private let insertMessage, deleteMessage: Statement
    private let insertDelivery, deleteDelivery, updateDelivery: Statement
    private var syncs: Bool?

    init(_ database: Database) throws(DatabaseError) {
        self.database = database
        begin = try database.prepare("BEGIN IMMEDIATE")
        commit = try database.prepare("COMMIT")
        rollback = try database.prepare("ROLLBACK")
        putSession = try database.prepare(
            "INSERT OR REPLACE INTO session VALUES(\(Self.parameters(17)))")
        removeSession = try database.prepare("DELETE FROM session WHERE number=?")
        putSubscription = try database.prepare(
            "INSERT OR REPLACE INTO subscription VALUES(NULL,\(Self.parameters(7)))")
        removeSubscription = try database.prepare("DELETE FROM subscription WHERE session=? AND filter=?")
        removeSubscriptions = try database.prepare("DELETE FROM subscription WHERE session=?")
        putReceiving = try database.prepare("INSERT OR IGNORE INTO receiving VALUES(NULL,?,?)")
        removeReceiving = try database.prepare("DELETE FROM receiving WHERE session=? AND packet_id=?")
        removeAllReceiving = try database.prepare("DELETE FROM receiving WHERE session=?")
        putTopicID = try database.prepare("INSERT OR REPLACE INTO topic_id VALUES(NULL,\(Self.parameters(4)))")
        removeTopicIDs = try database.prepare("DELETE FROM topic_id WHERE session=?")
        putRetained = try database.prepare("INSERT OR REPLACE INTO retained VALUES(NULL,\(Self.parameters(6)))")
        removeRetained = try database.prepare("DELETE FROM retained WHERE topic=?")
        putDelayed = try database.prepare("INSERT OR REPLACE INTO delayed VALUES(\(Self.parameters(12)))")
        removeDelayed = try database.prepare("DELETE FROM delayed WHERE id=?")
        putItem = try database.prepare("INSERT OR REPLACE INTO item VALUES(NULL,\(Self.parameters(3)))")
        removeItem = try database.prepare("DELETE FROM item WHERE area=? AND key=?")
        putMeta = try database.prepare("INSERT OR REPLACE INTO meta VALUES(?,?)")
        insertMessage = try database.prepare("INSERT INTO message VALUES(\(Self.parameters(9)))")
        deleteMessage = try database.prepare("DELETE FROM message WHERE id BETWEEN ? AND ?")
        insertDelivery = try database.prepare("INSERT INTO queue VALUES(\(Self.parameters(10)))")
        deleteDelivery = try database.prepare("DELETE FROM queue WHERE id BETWEEN ? AND ?")
        updateDelivery = try database.prepare("UPDATE queue SET packet_id=?, released=? WHERE id=?")
    }

    private static func parameters(_ count: Int) -> String {
        Array(repeating: "?", count: count).joined(separator: ",")
    }

    /// Writes all of `plan` or nothing.
    func write(_ plan: borrowing Plan) throws(DatabaseError) {
        try setSync(plan.needsSync)
        try begin.run()
        do throws(DatabaseError) {
            // What goes comes first: in a file at its size limit it makes the room for what comes.
            try writeEnds(plan)
            for (number, changes) in plan.sessions { try write(changes, of: number) }
            try writeRetained(plan)
            try writeDelayed(plan)
            try writeItems(plan)
            if let totals = plan.totals { try write(totals) }
            try writeDeliveries(plan)
            try commit.run()
        } catch {
            // Some errors have rolled back already; then this one says so, and nothing is lost.
            if database.isInTransaction { try? rollback.run() }
            throw error
        }
    }

    /// Between transactions the connection may change whether a commit waits for the disk. NORMAL leaves that to the next
    /// checkpoint or the next FULL commit, which syncs the whole log.
    private func setSync(_ wanted: Bool) throws(DatabaseError) {
        guard syncs != wanted else { return }
        try database.execute(wanted ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL")
        syncs = wanted
    }

    private func writeEnds(_ plan: borrowing Plan) throws(DatabaseError) {
        try delete(plan.endedDeliveries, deleteDelivery)
        try delete(plan.endedMessages, deleteMessage)
    }

    /// What was enqueued together mostly ends together, so keys come in runs.
    private func delete(_ keys: [Int64], _ statement: Statement) throws(DatabaseError) {
        for run in KeyRuns(keys) {
            statement.bind(1, run.lowerBound)
            statement.bind(2, run.upperBound)
            try statement.run()
        }
    }

    private func writeDeliveries(_ plan: borrowing Plan) throws(DatabaseError) {
        for position in plan.messages.indices where plan.messages[position].receivers > 0 {
            let new = plan.messages[position]
            insertMessage.bind(1, plan.firstMessageID + Int64(position))
            insertMessage.bind(4, Int(new.message.qos.rawValue))
            insertMessage.bind(5, new.message.retain)
            insertMessage.bind(6, new.expiresAt?.wholeMicroseconds)
            insertMessage.bind(7, new.message.publisher?.string)
            insertMessage.bind(8, new.message.properties.map(PropertyCoding.encode))
            insertMessage.bind(9, new.receivers)
            try insert(new.message)
        }
        for position in plan.deliveries.indices {
            guard let delivery = plan.deliveries[position] else { continue }
            insertDelivery.bind(1, delivery.id)
            insertDelivery.bind(2, Int64(bitPattern: delivery.session.value))
            insertDelivery.bind(3, Int64(bitPattern: delivery.record.sequence))
            insertDelivery.bind(4, delivery.message)
            insertDelivery.bind(5, Int(delivery.record.qos.rawValue))
            insertDelivery.bind(6, delivery.record.retain)
            bind(delivery.record.subscriptionIDs, to: insertDelivery, 7)
            insertDelivery.bind(8, Int(delivery.record.packetID))
            insertDelivery.bind(9, delivery.record.released)
            insertDelivery.bind(10, delivery.record.waitsUntil?.wholeMicroseconds)
            try insertDelivery.run()
        }
        for (id, progress) in plan.progress {
            updateDelivery.bind(1, Int(progress.packetID))
            updateDelivery.bind(2, progress.released)
            updateDelivery.bind(3, id)
            try updateDelivery.run()
        }
    }

    /// Runs `insertMessage` with topic and payload, the larger part of most messages.
    private func insert(_ message: Message) throws(DatabaseError) {
        guard message.payloadCount > 0 else {
            insertMessage.bind(2, message.topic.string)
            insertMessage.bind(3, [UInt8]())
            return try insertMessage.run()
        }
        try message.withPayload { (payload) throws(DatabaseError) in
            try insertMessage.withBorrowed(text: message.topic.string, 2, octets: payload, 3) {
                () throws(DatabaseError) in try insertMessage.run()
            }
        }
    }

    /// NULL for none, an integer for one, 4 octets each (big endian) for many.
    private func bind(_ identifiers: SubscriptionIDs, to statement: Statement, _ index: Int32) {
        switch identifiers {
        case .none: statement.bindNull(index)
        case .one(let identifier): statement.bind(index, Int64(identifier))
        case .many(let identifiers):
            statement.bind(index, identifiers.flatMap { withUnsafeBytes(of: $0.bigEndian, Array.init) })
        }
    }

    private func writeRetained(_ plan: borrowing Plan) throws(DatabaseError) {
        for (topic, change) in plan.retained {
            guard let change else {
                removeRetained.bind(1, topic.string)
                try removeRetained.run()
                continue
            }
            putRetained.bind(1, topic.string)
            putRetained.bind(2, change.message.payload)
            putRetained.bind(3, Int(change.message.qos.rawValue))
            putRetained.bind(4, change.expiresAt?.wholeMicroseconds)
            putRetained.bind(5, change.message.publisher?.string)
            putRetained.bind(6, change.message.properties.map(PropertyCoding.encode))
            try putRetained.run()
        }
    }

    private func writeDelayed(_ plan: borrowing Plan) throws(DatabaseError) {
        for (id, record) in plan.delayed {
            guard let record else {
                removeDelayed.bind(1, Int64(bitPattern: id))
                try removeDelayed.run()
                continue
            }
            let (kind, name) = PrincipalCoding.encode(record.principal.kind)
            putDelayed.bind(1, Int64(bitPattern: id))
            putDelayed.bind(2, record.message.topic.string)
            putDelayed.bind(3, record.message.payload)
            putDelayed.bind(4, Int(record.message.qos.rawValue))
            putDelayed.bind(5, record.message.retain)
            putDelayed.bind(6, record.expiresAt?.wholeMicroseconds)
            putDelayed.bind(7, record.message.publisher?.string)
            putDelayed.bind(8, record.message.properties.map(PropertyCoding.encode))
            putDelayed.bind(9, record.dueAt.wholeMicroseconds)
            putDelayed.bind(10, kind)
            putDelayed.bind(11, name)
            putDelayed.bind(12, record.principal.clientID?.string)
            try putDelayed.run()
        }
    }

    private func writeItems(_ plan: borrowing Plan) throws(DatabaseError) {
        for (name, value) in plan.items {
            let statement = value == nil ? removeItem : putItem
            statement.bind(1, name.area)
            statement.bind(2, name.key)
            if let value { statement.bind(3, value) }
            try statement.run()
        }
    }

    private func write(_ totals: DropLedger) throws(DatabaseError) {
        for (key, value) in LedgerCoding.encode(totals) {
            putMeta.bind(1, key)
            putMeta.bind(2, Int64(bitPattern: value))
            try putMeta.run()
        }
    }

    // MARK: Sessions

    private func write(_ changes: Plan.SessionChanges, of number: SessionNumber) throws(DatabaseError) {
        let key = Int64(bitPattern: number.value)
        guard !changes.isRemoved else {
            for statement in [removeSession, removeSubscriptions, removeAllReceiving, removeTopicIDs] {
                statement.bind(1, key)
                try statement.run()
            }
            return
        }
        if let record = changes.record { try write(record, key) }
        for (filter, subscription) in changes.subscriptions {
            try write(subscription, filter, key)
        }
        for (packetID, isKept) in changes.receiving {
            let statement = isKept ? putReceiving : removeReceiving
            statement.bind(1, key)
            statement.bind(2, Int(packetID))
            try statement.run()
        }
        for (id, entry) in changes.topicIDs {
            putTopicID.bind(1, key)
            putTopicID.bind(2, Int(id))
            putTopicID.bind(3, entry.topic.string)
            putTopicID.bind(4, entry.known)
            try putTopicID.run()
        }
    }

    private func write(_ record: SessionRecord, _ key: Int64) throws(DatabaseError) {
        let (kind, name) = PrincipalCoding.encode(record.principal.kind)
        putSession.bind(1, key)
        putSession.bind(2, record.clientID.string)
        putSession.bind(3, record.expiry?.wholeMicroseconds)
        putSession.bind(4, record.expiresAt?.wholeMicroseconds)
        putSession.bind(5, kind)
        putSession.bind(6, name)
        putSession.bind(7, record.principal.clientID?.string)
        putSession.bind(8, record.queuesQoS0WhileDetached)
        putSession.bind(9, record.will?.topic.string)
        putSession.bind(10, record.will?.payload)
        putSession.bind(11, record.will.map { Int64($0.qos.rawValue) })
        putSession.bind(12, record.will.map { $0.retain ? 1 : 0 })
        putSession.bind(13, record.will?.delay.wholeMicroseconds)
        putSession.bind(14, record.will?.messageExpiry?.wholeMicroseconds)
        putSession.bind(15, record.will?.properties.map(PropertyCoding.encode))
        putSession.bind(16, record.willDueAt?.wholeMicroseconds)
        putSession.bind(17, record.silentAt?.wholeMicroseconds)
        try putSession.run()
    }

    private func write(_ subscription: Subscription?, _ filter: TopicFilter, _ key: Int64) throws(DatabaseError) {
        guard let subscription else {
            removeSubscription.bind(1, key)
            removeSubscription.bind(2, filter.string)
            return try removeSubscription.run()
        }
        putSubscription.bind(1, key)
        putSubscription.bind(2, filter.string)
        putSubscription.bind(3, Int(subscription.qos.rawValue))
        putSubscription.bind(4, subscription.noLocal)
        putSubscription.bind(5, subscription.retainAsPublished)
        putSubscription.bind(6, Int(subscription.retainHandling.rawValue))
        putSubscription.bind(7, Int64(subscription.identifier))
        try putSubscription.run()
    }
}
