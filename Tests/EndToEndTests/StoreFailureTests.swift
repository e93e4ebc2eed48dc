import Foundation
import Glibc
import MQTTCodec
import TestKit
import Testing

/// The store without room, without rights, damaged: no false promise, no silence, and it goes on by itself.
@Suite struct StoreFailureTests {
    private static let payload = [UInt8](repeating: 0x61, count: 2_000)

    /// Root, as in continuous integration, never skips.
    private static var kinds: [SmallRoom.Kind] { SmallRoom.canMount ? SmallRoom.Kind.allCases : [.limit] }

    private static let window = 20

    /// Publishes, a window at a time, until the store has no room.
    /// - Returns: the publisher, with its last window unanswered at least in part, and the windows before it.
    private func fill(_ apus: RunningApus) async throws -> (publisher: MQTTTalk, windows: Int) {
        let publisher = try await MQTTTalk(apus, "filler")
        let program = apus.program
        for windows in 0..<250 {
            publisher.forget()
            for number in 1...Self.window {
                publisher.publish("full/\(number)", Self.payload, .atLeastOnce, UInt16(number))
            }
            // Answers to what is not stored do not come: the log tells why.
            let isAnswered = try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await publisher.answers { $0.filter(\.isAcknowledged).count == Self.window ? true : nil }
                }
                group.addTask {
                    try await program.errorLine(within: .seconds(60)) { $0.contains("the store cannot write") }
                    return false
                }
                defer { group.cancelAll() }
                return try await group.next() ?? false
            }
            guard isAnswered else { return (publisher, windows) }
        }
        throw Program.Missing(description: "the store never became full")
    }

    /// What each protocol says to a publisher whose message cannot be stored.
    private func expectRefusals(_ apus: RunningApus) async throws {
        let publisher = try await MQTTTalk(apus, "refused")
        publisher.publish("full/x", Self.payload, .atLeastOnce, 1)
        #expect(try await publisher.acknowledgement(of: 1) == .quotaExceeded)
        publisher.publish("full/x", Self.payload, .exactlyOnce, 2)
        #expect(try await publisher.acknowledgement(of: 2) == .quotaExceeded)

        let coap = try UDPSocket(host: "127.0.0.1", gateway: try apus.port("coap.udp"))
        let path = ["ps", "full", "x"].map { CoAPDatagram.Option(CoAPDatagram.Number.uriPath, $0) }
        let post = CoAPDatagram(
            .confirmable, code: CoAPDatagram.code(0, 2), messageID: 1, token: [1], options: path, payload: [0x61])
        try coap.send(post.bytes)
        #expect(try coap.receive(within: 5).flatMap { CoAPDatagram($0)?.codeText } == "5.03")

        let node = try await MQTTSNClient(clientID: "node", port: try apus.port("mqttsn.udp"))
        try await node.connect()
        guard case .normal(let id) = try await node.register("full/x") else { return }
        try await node.send(0x0C, [0x20, UInt8(id >> 8), UInt8(id & 0xFF), 0, 7, 0x61])
        #expect(try await node.expect(0x0D).last == 0x01, "rejected: congestion (MQTT-SN 5.3.10)")
    }

    /// What needs no store goes on.
    private func expectServing(_ apus: RunningApus) async throws {
        let client = try await MQTTTalk(apus, "lively")
        client.send(.subscribe(Subscribe(1, filters: [Subscribe.Filter("free", qos: .atLeastOnce)])))
        client.publish("free", [1], .atLeastOnce, 2)
        client.send(.pingreq)
        let came = try await client.answers { packets -> Bool? in
            let kinds = packets.map(\.type)
            return kinds.contains(.suback) && kinds.contains(.puback) && kinds.contains(.publish)
                && kinds.contains(.pingresp)
                ? true : nil
        }
        #expect(came)
    }

    @Test(arguments: kinds)
    func aFullStoreRefusesWithEachProtocolsWordAndGoesOnByItself(kind: SmallRoom.Kind) async throws {
        let room = try await SmallRoom(kind)
        let apus = try await RunningApus(
            room.settings + ["limits.mailbox.offline_messages=100000"], dataDirectory: room.dataDirectory)
        let away = try await MQTTTalk(apus, "away", expiry: 3_600)
        away.send(.subscribe(Subscribe(1, filters: [Subscribe.Filter("full/#", qos: .atLeastOnce)])))
        _ = try await away.answers { $0.count >= 2 ? true : nil }
        away.send(.disconnect(Disconnect()))

        let (publisher, windows) = try await fill(apus)
        try await expectRefusals(apus)
        try await expectServing(apus)

        if kind == .disk { try room.removeBallast() }
        // Its session goes on although nothing can be written; what it takes makes room.
        let back = try await MQTTTalk(apus, "away", expiry: 3_600)
        let sent = (windows + 1) * Self.window
        let receiver = Task { try await Self.take(back, sent) }
        try await apus.program.errorLine { $0.contains("the store writes again") }
        // What was held up is acknowledged now, and nothing is lost.
        _ = try await publisher.answers { $0.filter(\.isAcknowledged).count == Self.window ? true : nil }
        #expect(try await receiver.value >= sent)
        let complaints = apus.program.errorLines.filter { $0.contains("the store cannot write") }
        #expect(complaints.count == 1)
        #expect(complaints.first?.contains(room.dataDirectory) == true && complaints.first?.contains("no room") == true)
        try await Mosquitto.publish(apus, "full/again", [1])
        #expect(try await apus.stop() == 0)
    }

    // MARK: Damage

    /// A store with 500 messages for "away" that was killed.
    private func killed(_ folder: String) async throws {
        let apus = try await RunningApus(dataDirectory: folder)
        let away = try await MQTTTalk(apus, "away", expiry: 3_600)
        away.send(.subscribe(Subscribe(1, filters: [Subscribe.Filter("kept/#", qos: .atLeastOnce)])))
        _ = try await away.answers { $0.count >= 2 ? true : nil }
        away.send(.disconnect(Disconnect()))
        let publisher = try await MQTTTalk(apus, "publisher")
        for number in 1...500 as ClosedRange<UInt16> { publisher.publish("kept/x", Self.payload, .atLeastOnce, number) }
        _ = try await publisher.answers { $0.filter(\.isAcknowledged).count == 500 ? true : nil }
        apus.program.signal(SIGKILL)
        _ = try await apus.program.exitStatus()
    }

    private func overwrite(_ path: String, at offset: UInt64, _ octets: Int) throws {
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.seek(toOffset: offset)
        try file.write(contentsOf: [UInt8](repeating: 0xA5, count: octets))
        try file.close()
    }

    private static func temporaryFolder() -> String {
        FileManager.default.temporaryDirectory.appending(path: "apus-damaged-\(UUID().uuidString)").path
    }

    /// Half a transaction at the end of the log, as a kill in the middle of writing leaves it.
    @Test func aTornLogLosesNothingThatWasAcknowledged() async throws {
        let folder = Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await killed(folder)
        let log = "\(folder)/apus.db-wal"
        let end = try FileManager.default.attributesOfItem(atPath: log)[.size] as? UInt64 ?? 0
        try overwrite(log, at: end, 10_000)
        let apus = try await RunningApus(dataDirectory: folder)
        #expect(try await Self.take(MQTTTalk(apus, "away", expiry: 3_600), 500) == 500)
        #expect(!apus.program.errorLines.contains { $0.contains("the store was damaged") })
        #expect(try await apus.stop() == 0)
    }

    @Test func aDamagedPageCostsItsMessagesAndIsTold() async throws {
        let folder = Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await killed(folder)
        // A start and a stop move what is in the log to the file.
        #expect(try await RunningApus(dataDirectory: folder).stop() == 0)
        let pages = try FileManager.default.attributesOfItem(atPath: "\(folder)/apus.db")[.size] as? UInt64 ?? 0
        // In the midst of the messages, which are most of the file.
        try overwrite("\(folder)/apus.db", at: pages / 4_096 / 2 * 4_096, 4_096)
        let apus = try await RunningApus(dataDirectory: folder)
        #expect(apus.program.errorLines.contains { $0.contains("the store was damaged") && $0.contains("lost") })
        #expect(FileManager.default.fileExists(atPath: "\(folder)/apus.db.damaged"))
        #expect(try await Self.take(MQTTTalk(apus, "away", expiry: 3_600), 490) >= 490)
        #expect(try await apus.stop() == 0)
    }

    /// Root, as in continuous integration, is stopped by a mount only.
    @Test func aFolderThatMayOnlyBeReadIsOneSentenceAndStatus69() async throws {
        let folder = Self.temporaryFolder()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer {
            umount2(folder, Int32(MNT_DETACH))
            try? FileManager.default.removeItem(atPath: folder)
        }
        if SmallRoom.canMount { try await SmallRoom.mount("ro", at: folder) } else { chmod(folder, 0o500) }
        for data in [folder, "\(folder)/data"] {
            let apus = try RunningApus.start(["serve", "--set", "mqtt.tcp.port=0", "--set", "data_dir=\(data)"])
            #expect(try await apus.exitStatus() == 69)
            #expect(apus.errorLines.count == 1)
            #expect(apus.errorLines.first?.contains(folder) == true)
            #expect(apus.errorLines.first?.contains("set data_dir to another") == true)
        }
    }

    /// Takes and acknowledges messages until there are `count`.
    private static func take(_ talk: MQTTTalk, _ count: Int) async throws -> Int {
        var taken = 0
        while taken < count {
            let known = taken
            let messages: [Publish] = try await talk.answers { packets in
                let messages = packets.compactMap { if case .publish(let message) = $0 { message } else { nil } }
                return messages.count > known ? messages : nil
            }
            for message in messages[known...] {
                if let identifier = message.packetIdentifier { talk.send(.puback(Acknowledgement(identifier))) }
            }
            taken = messages.count
        }
        return taken
    }
}

extension Packet {
    fileprivate var isAcknowledged: Bool {
        if case .puback(let answer) = self { !answer.reasonCode.isFailure } else { false }
    }
}
