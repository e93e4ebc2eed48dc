import Foundation
import Logging
import Messaging
import TestKit

@testable import Storage

/// A folder of its own for one test, and what tests of the store do again and again.
final class Workshop: Sendable {
    let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "apus-store-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    var path: String { folder + "/apus.db" }

    func open(_ path: String? = nil, _ change: (inout StoreOptions) -> Void = { _ in }) throws -> SQLiteStore {
        var options = StoreOptions(path: path ?? self.path)
        options.retryInterval = .milliseconds(20)
        change(&options)
        return try SQLiteStore(options, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// What a kill at this moment would leave: the files as they are, in another folder.
    func crashed(_ name: String = "crashed") throws -> String {
        let target = folder + "/" + name
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: target + "/apus.db" + suffix)
        }
        return target + "/apus.db"
    }

    /// The number of a page of the file.
    /// - Parameter leaf: counted among the leaves of `table`.
    func page(leaf: Int, of table: String) throws -> Int64 {
        let page = try Database(path, .readOnly).integer(
            "SELECT pageno FROM dbstat WHERE name='\(table)' AND pagetype='leaf' ORDER BY pageno LIMIT 1 OFFSET \(leaf)"
        )
        guard let page else { throw Waited(description: "there is no leaf \(leaf) of \(table)") }
        return page
    }

    /// The number of the page that holds the greatest keys of `table`.
    func lastPage(of table: String) throws -> Int64 {
        let page = try Database(path, .readOnly).integer(
            "SELECT pageno FROM dbstat WHERE name='\(table)' AND pagetype='leaf' ORDER BY path DESC LIMIT 1")
        guard let page else { throw Waited(description: "there is no leaf of \(table)") }
        return page
    }

    /// Overwrites a page.
    func damage(page: Int64, in path: String? = nil) throws {
        let file = try FileHandle(forUpdating: URL(filePath: path ?? self.path))
        try file.seek(toOffset: UInt64((page - 1) * 4_096))
        try file.write(contentsOf: [UInt8](repeating: 0xA5, count: 4_096))
        try file.close()
    }

    /// Closes and opens again.
    func reopened(_ store: consuming SQLiteStore) throws -> SQLiteStore {
        store.close()
        _ = consume store
        return try open()
    }
}

extension SQLiteStore {
    /// Appends in one group and waits for the commit.
    func write(_ changes: [StoreChange]) async throws {
        beginGroup()
        let point = changes.map { append($0) }.last ?? .none
        endGroup()
        try await reach(point)
    }

    func reach(_ point: CommitPoint) async throws {
        let reached = Shared(committed)
        onCommit { point in reached.change { $0 = max($0, point) } }
        reached.change { $0 = max($0, committed) }
        let came: Bool? = await reached.wait(within: .patience) { $0 >= point ? true : nil }
        guard came != nil else { throw Waited(description: "the commit of \(point) did not come") }
    }
}

// MARK: - Records

func record(_ number: UInt64, _ clientID: String? = nil, expiry: Duration? = .seconds(60)) -> SessionRecord {
    SessionRecord(
        number: SessionNumber(number), clientID: ClientID(clientID ?? "c\(number)"), expiry: expiry, expiresAt: nil,
        will: nil, willDueAt: nil, principal: Principal(kind: .anonymous, clientID: nil), queuesQoS0WhileDetached: false
    )
}

func message(_ topic: String, _ payload: [UInt8] = [1], properties: MessageProperties? = nil) throws -> Message {
    Message(
        topic: try TopicName(topic), payload: payload, qos: .atLeastOnce, publishedAt: Timestamp(nanoseconds: 0),
        properties: properties)
}

func enqueue(
    _ session: UInt64, _ sequence: UInt64, _ message: Message, qos: QoS = .atLeastOnce, expiresAt: Duration? = nil,
    ids: SubscriptionIDs = .none, durability: Durability = .disk
) -> StoreChange {
    .enqueue(
        SessionNumber(session),
        QueuedRecord(
            sequence: sequence, message: message, expiresAt: expiresAt, qos: qos, retain: false, subscriptionIDs: ids,
            durability: durability))
}

func dequeue(_ session: UInt64, _ sequence: UInt64) -> StoreChange {
    .dequeue(SessionNumber(session), sequence: sequence)
}

extension StoredState {
    func queue(_ number: UInt64) -> [QueuedRecord] {
        sessions.first { $0.record.number == SessionNumber(number) }?.queue ?? []
    }
}

/// Something a test waited for did not come.
struct Waited: Error {
    let description: String
}
