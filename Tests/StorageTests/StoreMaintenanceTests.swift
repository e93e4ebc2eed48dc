import Foundation
import Messaging
import TestKit
import Testing

@testable import Storage

@Suite struct StoreMaintenanceTests {
    private func changes() throws -> [StoreChange] {
        let properties = MessageProperties(
            payloadFormat: .unspecified, contentType: "c", responseTopic: try TopicName("r"), correlationData: [1],
            userProperties: [UserProperty(name: "a", value: "b")])
        let will = Will(
            topic: try TopicName("w"), payload: [1], qos: .atLeastOnce, retain: false, delay: .milliseconds(1_500),
            properties: properties)
        let session = SessionRecord(
            number: SessionNumber(3), clientID: ClientID("c"), expiry: .seconds(60), expiresAt: .seconds(1_700_000_000),
            will: will,
            willDueAt: nil, principal: Principal(kind: .user("u"), clientID: ClientID("c")),
            queuesQoS0WhileDetached: true)
        return [
            .putSession(session), .putReceiving(SessionNumber(3), packetID: 5),
            .putSubscription(
                SessionNumber(3), Subscription(filter: try TopicFilter("#"), qos: .exactlyOnce, identifier: 8)),
            .putTopicID(SessionNumber(3), id: 1, topic: try TopicName("t"), known: true),
            enqueue(
                3, 4, try message("t", [0, 255], properties: properties), qos: .exactlyOnce, expiresAt: .seconds(9),
                ids: .one(8)),
            .progress(SessionNumber(3), sequence: 4, packetID: 4, released: true), enqueue(3, 5, try message("t/2")),
            .putRetained(try message("kept", [7]), expiresAt: nil),
        ]
    }

    @Test func aRunningStoreTellsAboutItself() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        try await store.write(try changes())
        let maintenance = StoreMaintenance(path: workshop.path)
        let summary = try maintenance.summary()
        #expect(summary.isInUse)
        #expect(summary.schema == Schema.steps.count && summary.fileOctets > 0 && summary.logOctets > 0)
        #expect(summary.sessions == 1 && summary.subscriptions == 1 && summary.retained == 1)
        #expect(summary.queuedDeliveries == 2 && summary.messages == 2 && summary.payloadOctets == 3)
        #expect(try maintenance.verify() == [])
        store.close()
        #expect(try !maintenance.summary().isInUse)
    }

    @Test func aBackupIsTheStoreOfOneMoment() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        try await store.write(try changes())
        let copy = workshop.folder + "/copy.db"
        try StoreMaintenance(path: workshop.path).backup(to: copy)
        try await store.write([.removeSession(SessionNumber(3))])
        #expect(!FileManager.default.fileExists(atPath: copy + "-wal"))
        #expect(throws: StoreError.self) { try StoreMaintenance(path: workshop.path).backup(to: copy) }
        #expect(try StoreMaintenance(path: copy).verify() == [])
        #expect(try workshop.open(copy).load().queue(3).count == 2)
    }

    @Test func anExportIsImportedAsItWas() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        try await store.write(try changes())
        var lines: [String] = []
        try StoreMaintenance(path: workshop.path).export { lines.append($0) }
        #expect(lines.count == 7)
        let other = StoreMaintenance(path: workshop.folder + "/other/apus.db")
        #expect(try other.importing(lines) == 7)
        var again: [String] = []
        try other.export { again.append($0) }
        #expect(again == lines)
        #expect(throws: StoreError.self) { try other.importing(lines) }
    }

    @Test func aLineThatIsNoExportIsNamed() throws {
        let workshop = try Workshop()
        let error = #expect(throws: StoreError.self) {
            try StoreMaintenance(path: workshop.path).importing([#"{"kind":"session","number":1,"client":"c"}"#, "{}"])
        }
        #expect(error?.description.hasPrefix("line 2 is not part of an export") == true)
    }

    @Test func lookingDoesNotHideAnUncleanStop() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        try await store.write(try changes())
        let path = try workshop.crashed()
        _ = try StoreMaintenance(path: path).summary()
        #expect(StoreFile.size(of: path + "-wal") > 0)
    }

    @Test func aMissingStoreIsNamed() throws {
        let error = #expect(throws: StoreError.self) { try StoreMaintenance(path: "/nowhere/apus.db").verify() }
        #expect(error?.description == "there is no store (/nowhere/apus.db): check data_dir")
    }

    @Test func delayedMessagesAndItemsAreExportedAndCounted() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        try await store.write(try SQLiteStoreTests.laterKinds)
        store.close()
        let maintenance = StoreMaintenance(path: workshop.path)
        let summary = try maintenance.summary()
        #expect(summary.delayed == 1 && summary.items == 1)
        var lines: [String] = []
        try maintenance.export { lines.append($0) }
        let copy = StoreMaintenance(path: workshop.folder + "/copy/apus.db")
        #expect(try copy.importing(lines) == 3)
        var again: [String] = []
        try copy.export { again.append($0) }
        #expect(again == lines)
    }
}
