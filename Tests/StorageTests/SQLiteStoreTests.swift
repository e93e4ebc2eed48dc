import Foundation
import Messaging
import TestKit
import Testing

@testable import Storage

/// What comes back after the end of the process.
@Suite struct SQLiteStoreTests {
    @Test func everyKindOfChangeComesBack() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        let properties = MessageProperties(contentType: "x", userProperties: [UserProperty(name: "n", value: "v")])
        let will = Will(
            topic: try TopicName("w"), payload: [], qos: .exactlyOnce, retain: true, delay: .seconds(5),
            messageExpiry: .milliseconds(1_500), properties: properties)
        let session = SessionRecord(
            number: SessionNumber(4), clientID: ClientID("ö"), expiry: nil, expiresAt: .seconds(99), will: will,
            willDueAt: .seconds(77), principal: Principal(kind: .user("u"), clientID: ClientID("ö")),
            queuesQoS0WhileDetached: true)
        let subscription = Subscription(
            filter: try TopicFilter("$share/g/a/+"), qos: .exactlyOnce, noLocal: false, retainAsPublished: true,
            retainHandling: .doNotSend, identifier: 268_435_455)
        let number = SessionNumber(4)
        try await store.write([
            .putSession(session), .putSubscription(number, subscription),
            .putSubscription(number, Subscription(filter: try TopicFilter("gone"), qos: .atMostOnce)),
            .removeSubscription(number, try TopicFilter("gone")),
            enqueue(
                4, 1, try message("a/b", [1, 2], properties: properties), qos: .exactlyOnce, expiresAt: .seconds(3),
                ids: .one(7)),
            enqueue(4, 3, try message("a/c", []), ids: .many([1, .max])),
            .progress(number, sequence: 1, packetID: 9, released: true),
            .putReceiving(number, packetID: 65_535), .putReceiving(number, packetID: 1),
            .removeReceiving(number, packetID: 1),
            .putTopicID(number, id: 1, topic: try TopicName("t"), known: false),
            .putTopicID(number, id: 1, topic: try TopicName("t"), known: true),
            .putRetained(try message("r", [9]), expiresAt: .seconds(5)),
            .putRetained(try message("r", [8]), expiresAt: nil),
            .putRetained(try message("s", [8]), expiresAt: nil), .removeRetained(try TopicName("s")),
        ])
        let state = try workshop.reopened(store).load()
        let loaded = try #require(state.sessions.first)
        #expect(state.sessions.count == 1)
        #expect(loaded.record.clientID == session.clientID && loaded.record.number == number)
        #expect(
            loaded.record.expiry == nil && loaded.record.expiresAt == .seconds(99)
                && loaded.record.willDueAt == .seconds(77))
        #expect(loaded.record.principal == session.principal && loaded.record.queuesQoS0WhileDetached)
        #expect(loaded.record.will?.properties == properties && loaded.record.will?.delay == .seconds(5))
        #expect(loaded.record.will?.messageExpiry == .milliseconds(1_500) && loaded.record.will?.retain == true)
        #expect(loaded.subscriptions == [subscription])
        #expect(loaded.receiving == [65_535])
        #expect(loaded.topicIDs.map(\.id) == [1] && loaded.topicIDs.map(\.known) == [true])
        #expect(loaded.queue.map(\.sequence) == [1, 3])
        #expect(loaded.queue.map(\.message.payload) == [[1, 2], []])
        #expect(loaded.queue.map(\.subscriptionIDs) == [.one(7), .many([1, .max])])
        #expect(loaded.queue.map(\.expiresAt) == [.seconds(3), nil])
        #expect(loaded.queue.map(\.packetID) == [9, 0] && loaded.queue.map(\.released) == [true, false])
        #expect(loaded.queue.first?.message.properties == properties)
        #expect(state.retained.map(\.message.payload) == [[8]] && state.retained.map(\.expiresAt) == [nil])
    }

    @Test func delayedMessagesItemsAndSleepersComeBack() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        try await store.write(try Self.laterKinds)
        let state = try workshop.reopened(store).load()
        let delayed = try #require(state.delayed.first)
        #expect(state.delayed.map(\.id) == [3])
        #expect(delayed.message.topic.string == "later" && delayed.message.payload == [7])
        #expect(delayed.expiresAt == .seconds(90) && delayed.dueAt == .seconds(80))
        #expect(delayed.principal == Principal(kind: .user("u"), clientID: ClientID("c")))
        #expect(state.items.map(\.area) == ["x"] && state.items.map(\.item) == [KeptItem(key: "a", value: [2])])
        #expect(state.sessions.map(\.record.silentAt) == [.seconds(70)])
    }

    /// Of each kind that came with a later schema, one that stays and one that goes.
    static var laterKinds: [StoreChange] {
        get throws {
            let principal = Principal(kind: .user("u"), clientID: ClientID("c"))
            func delayed(_ id: UInt64) throws -> StoreChange {
                .putDelayed(
                    DelayedRecord(
                        id: id, message: try message("later", [7]), expiresAt: .seconds(90), dueAt: .seconds(80),
                        principal: principal))
            }
            return [
                .putSession(
                    SessionRecord(
                        number: SessionNumber(1), clientID: ClientID("c"), expiry: nil, expiresAt: nil, will: nil,
                        willDueAt: nil, silentAt: .seconds(70), principal: principal, queuesQoS0WhileDetached: false)),
                try delayed(2), try delayed(3), .removeDelayed(2),
                .putItem(area: "x", key: "a", value: [1]), .putItem(area: "x", key: "b", value: [1]),
                .putItem(area: "x", key: "a", value: [2]), .putItem(area: "x", key: "b", value: nil),
            ]
        }
    }

    @Test func changesOfWhatIsStoredComeBackToo() async throws {
        let workshop = try Workshop()
        var store = try workshop.open()
        let shared = try message("t", [5])
        try await store.write([
            .putSession(record(1)), .putSession(record(2)), .putSession(record(3)),
            enqueue(1, 1, shared), enqueue(2, 1, shared), enqueue(3, 1, shared), enqueue(1, 2, try message("u")),
        ])
        store = try workshop.reopened(store)
        #expect(try store.load().queue(3).first?.message.payload == [5])
        try await store.write([
            dequeue(1, 1), .removeSession(SessionNumber(2)),
            .progress(SessionNumber(1), sequence: 2, packetID: 4, released: false), enqueue(1, 3, try message("v")),
        ])
        store = try workshop.reopened(store)
        var state = try store.load()
        #expect(state.sessions.map(\.record.number.value) == [1, 3])
        #expect(state.queue(1).map(\.message.topic.string) == ["u", "v"] && state.queue(1).map(\.packetID) == [4, 0])
        #expect(state.queue(3).first?.message.payload == [5])
        try await store.write([dequeue(3, 1), dequeue(1, 2), dequeue(1, 3), enqueue(1, 4, try message("w"))])
        store = try workshop.reopened(store)
        state = try store.load()
        #expect(state.queue(1).map(\.sequence) == [4] && state.queue(3).isEmpty)
        let database = try Database(workshop.path, .readOnly)
        #expect(try database.integer("SELECT count(*) FROM message") == 1)
    }

    @Test func committedMeansThere() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        try await store.write([.putSession(record(1))])
        for sequence in 1...50 as ClosedRange<UInt64> {
            let point = store.append(enqueue(1, sequence, try message("t")))
            try await store.reach(point)
            guard sequence % 10 == 0 else { continue }
            let copy = try workshop.open(try workshop.crashed("crash-\(sequence)"))
            #expect(try copy.load().queue(1).count == Int(sequence))
        }
    }

    @Test func aGroupIsCommittedAsOne() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        try await store.write([.putSession(record(1))])
        store.beginGroup()
        let first = store.append(enqueue(1, 1, try message("t")))
        // Another batch cannot close meanwhile, however long the group takes: the writer is waiting for it by now.
        for _ in 0..<20 { await Task.yield() }
        #expect(store.committed < first)
        let copy = try workshop.open(try workshop.crashed())
        #expect(try copy.load().queue(1).isEmpty)
        _ = store.append(enqueue(1, 2, try message("t")))
        store.endGroup()
        try await store.reach(first)
        let whole = try workshop.open(try workshop.crashed("whole"))
        #expect(try whole.load().queue(1).count == 2)
    }

    @Test func whatWasAcknowledgedBeforeTheCommitIsNeverWritten() async throws {
        let workshop = try Workshop()
        let store = try workshop.open { $0.linger = .milliseconds(200) }
        let message = try message("t")
        let changes = (1...100).flatMap { [enqueue(1, $0, message), dequeue(1, $0)] }
        try await store.write(changes)
        #expect(store.counters.deliveriesWritten.current == 0)
        #expect(store.counters.transactions.current == 0)
    }

    @Test func manyThreadsKeepTheirOrder() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        try await store.write((1...4).map { .putSession(record($0)) })
        let message = try message("t")
        await withTaskGroup { group in
            for session in 1...4 as ClosedRange<UInt64> {
                group.addTask {
                    for sequence in 1...5_000 as ClosedRange<UInt64> {
                        _ = store.append(enqueue(session, sequence, message))
                        if sequence % 2 == 0 { _ = store.append(dequeue(session, sequence)) }
                    }
                }
            }
        }
        let state = try workshop.reopened(store).load()
        for session in 1...4 as ClosedRange<UInt64> {
            #expect(state.queue(session).map(\.sequence) == stride(from: 1, to: 5_000, by: 2).map { $0 })
        }
    }

    @Test func aWrittenLogDoesNotGrowForEver() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        try await store.write([.putSession(record(1))])
        let payload = [UInt8](repeating: 1, count: 50_000)
        for round in 0..<40 as Range<UInt64> {
            let changes = try (1...100).map { enqueue(1, round * 100 + $0, try message("t", payload)) }
            try await store.write(changes)
            try await store.write((1...100).map { dequeue(1, round * 100 + $0) })
        }
        let size = StoreFile.size(of: workshop.path + "-wal")
        #expect(size < (Checkpointer.mostPages + 10_000) * 4_096)  // 200 MB were written
    }
}
