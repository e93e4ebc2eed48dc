import Foundation
import Glibc
import MQTTCodec
import NIOCore
import TestKit
import Testing

/// The store without room, without rights, damaged: no false promise, no silence, and it goes on by itself.
@Suite struct StoreFailureTests {
    private static let payload = [UInt8](repeating: 0x61, count: 2_000)

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
        #expect(try coap.receive().flatMap { CoAPDatagram($0)?.codeText } == "5.03")

        let node = try await MQTTSNClient(clientID: "node", port: try apus.port("mqttsn.udp"))
        try await node.connect()
        guard case .normal(let id) = try await node.register("full/x") else {
            throw Program.Missing(description: "REGISTER was not answered with a normal id")
        }
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

    @Test func aStoreAtItsLimitRefusesWithEachProtocolsWordAndGoesOnByItself() async throws {
        try await refusesAndGoesOn(.limit)
    }

    @Test(.enabled(if: MemoryDisk.isAvailable, "a small disk has to be mounted, which takes root"))
    func aFullDiskRefusesWithEachProtocolsWordAndGoesOnByItself() async throws {
        try await refusesAndGoesOn(.disk)
    }

    private func refusesAndGoesOn(_ kind: SmallRoom.Kind) async throws {
        let room = try SmallRoom(kind)
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
        let receiver = Task { try await Self.take(back, windows * Self.window) }
        try await apus.program.errorLine { $0.contains("the store writes again") }
        // What was held up is acknowledged now, and nothing is lost. The end of the window may have come after the failure and been refused.
        let acknowledged = try await publisher.answers { answers in
            answers.filter(\.isAnswer).count == Self.window ? answers.filter(\.isAcknowledged).count : nil
        }
        #expect(acknowledged > 0)
        let sent = windows * Self.window + acknowledged
        #expect(try await Self.take(back, sent, after: receiver.value) >= sent)
        let complaints = apus.program.errorLines.filter { $0.contains("the store cannot write") }
        #expect(complaints.count == 1)
        #expect(complaints.first?.contains(room.dataDirectory) == true && complaints.first?.contains("no room") == true)
        try await Mosquitto.publish(apus, "full/again", [1])
        #expect(try await apus.stop() == 0)
    }

    // MARK: Damage

    /// A store with messages for "away" that was killed.
    /// - Parameter counts: messages that were acknowledged together; `pause` is called after each such group.
    private func killed(
        _ folder: String, _ counts: [UInt16] = [500], pause: () throws -> Void = {}
    ) async throws {
        let apus = try await RunningApus(dataDirectory: folder)
        let away = try await MQTTTalk(apus, "away", expiry: 3_600)
        away.send(.subscribe(Subscribe(1, filters: [Subscribe.Filter("kept/#", qos: .atLeastOnce)])))
        _ = try await away.answers { $0.count >= 2 ? true : nil }
        away.send(.disconnect(Disconnect()))
        let publisher = try await MQTTTalk(apus, "publisher")
        for count in counts {
            publisher.forget()
            for number in 1...count { publisher.publish("kept/x", Self.payload, .atLeastOnce, number) }
            _ = try await publisher.answers { $0.filter(\.isAcknowledged).count == Int(count) ? true : nil }
            try pause()
        }
        apus.program.signal(SIGKILL)
        _ = try await apus.program.exitStatus()
    }

    private func overwrite(_ path: String, at offset: UInt64, _ octets: Int) throws {
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.seek(toOffset: offset)
        try file.write(contentsOf: [UInt8](repeating: 0xA5, count: octets))
        try file.close()
    }

    /// Where a page with messages begins, in the midst of the file. What lies in the middle may also be a page of the rows that say who is to get
    /// them: it has two hundred of those.
    private static func pageOfMessages(in path: String) throws -> UInt64 {
        let file = try Data(contentsOf: URL(filePath: path))
        let text = Data(payload.prefix(500))
        let page = (file.count / 4_096 / 2..<file.count / 4_096).first { page in
            file[page * 4_096..<(page + 1) * 4_096].range(of: text) != nil
        }
        return UInt64(try #require(page)) * 4_096
    }

    private static func temporaryFolder() -> String {
        FileManager.default.temporaryDirectory.appending(path: "apus-damaged-\(UUID().uuidString)").path
    }

    private static func size(of path: String) throws -> UInt64 {
        try FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64 ?? 0
    }

    /// What `apus store info` finds.
    private static func queued(in folder: String) async throws -> Int {
        let info = try RunningApus.start(["store", "info", "--set", "data_dir=\(folder)"])
        #expect(try await info.exitStatus() == 0)
        let words = info.lines.first { $0.hasPrefix("queued:") }?.split(separator: " ") ?? []
        return words.count > 1 ? Int(words[1]) ?? 0 : 0
    }

    /// Half a transaction at the end of the log, as a kill in the middle of writing leaves it: what had been acknowledged before it began is
    /// there. The log is cut in the middle of a page, and is too short to have begun anew in between.
    @Test(arguments: [10, 50, 90] as [UInt64])
    func aTornLogLosesNothingThatWasAcknowledged(percent: UInt64) async throws {
        let folder = Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let log = "\(folder)/apus.db-wal"
        var ends: [UInt64] = []
        try await killed(folder, [100, 20]) { ends.append(try Self.size(of: log)) }
        #expect(ends[0] > 0 && ends[1] >= ends[0] + 10 * 4_096)
        let cut = ends[0] + (ends[1] - ends[0]) * percent / 100 / 4_120 * 4_120 + 2_000
        #expect(truncate(log, Int(cut)) == 0)
        let queued = try await Self.queued(in: folder)
        #expect(queued >= 100 && queued < 120)
        let apus = try await RunningApus(dataDirectory: folder)
        #expect(try await Self.take(MQTTTalk(apus, "away", expiry: 3_600), queued) == queued)
        #expect(try await apus.stop() == 0)
        #expect(!apus.program.errorLines.contains { $0.contains("the store was damaged") })
    }

    /// A page that goes bad while its messages wait costs these, is told, and keeps nothing else from being delivered or stored.
    @Test func aPageThatGoesBadInALongQueueCostsItsMessagesAndIsTold() async throws {
        let folder = Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await killed(folder)
        let settings = ["limits.mailbox.in_memory=50", "sys_interval=200ms"]
        #expect(try await RunningApus(settings, dataDirectory: folder).stop() == 0)
        let apus = try await RunningApus(settings, dataDirectory: folder)
        try overwrite("\(folder)/apus.db", at: try Self.pageOfMessages(in: "\(folder)/apus.db"), 4_096)
        let away = try await MQTTTalk(apus, "away", expiry: 3_600)
        let taken = try await Self.take(away, 490)
        try await apus.program.errorLine {
            $0.contains("queued messages lie on a damaged page and are lost") && $0.contains(folder)
        }
        try await apus.program.errorLine { $0.contains("the store writes again") }
        #expect(FileManager.default.fileExists(atPath: "\(folder)/apus.db.damaged"))
        let ledger = try await Ledger.read(port: apus.port("mqtt.tcp"))
        #expect(ledger.isBalanced && ledger.dropped["unreadable"] ?? 0 > 0 && ledger.dropped["unreadable"] ?? 0 < 10)
        #expect(taken >= 490)
        let publisher = try await MQTTTalk(apus, "later")
        publisher.publish("kept/x", Self.payload, .atLeastOnce, 1)
        #expect(try await publisher.acknowledgement(of: 1) == .success)
        #expect(try await apus.stop() == 0)
    }

    /// All that is left of the file is its first page: what the gateway has in memory is in the new file when it acknowledges again.
    @Test func whatADamagedFileLostWhileServingIsThereAfterAKill() async throws {
        let folder = Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await killed(folder, [1])
        let before = try await RunningApus(dataDirectory: folder)
        try await Mosquitto.publish(before, "still/here", [7], ["-r"])
        #expect(try await before.stop() == 0)
        let apus = try await RunningApus(dataDirectory: folder)
        try overwrite("\(folder)/apus.db", at: 4_096, Int(try Self.size(of: "\(folder)/apus.db")) - 4_096)
        let publisher = try await MQTTTalk(apus, "publisher", expiry: 3_600)
        publisher.publish("kept/x", Self.payload, .atLeastOnce, 1)
        #expect(try await publisher.acknowledgement(of: 1) == .success)
        try await apus.program.errorLine { $0.contains("the store was damaged") && $0.contains("session") }
        let metrics = try await apus.metrics()
        #expect(metrics["apus_store_repairs_total"] == 1)
        #expect(metrics["apus_store_rows_lost_total", ["table": "session"]] ?? 0 > 0)
        apus.program.signal(SIGKILL)
        _ = try await apus.program.exitStatus()

        let after = try await RunningApus(dataDirectory: folder)
        let away = try await MQTTTalk(after, "away", expiry: 3_600)
        #expect(try await Self.take(away, 1) >= 1)
        away.forget()
        away.send(.subscribe(Subscribe(2, filters: [Subscribe.Filter("still/here", qos: .atMostOnce)])))
        let retained: Publish = try await away.answers { packets in
            for case .publish(let message) in packets where message.qos == .atMostOnce { return message }
            return nil
        }
        #expect(retained.payload == ByteBuffer(bytes: [7]))
        #expect(try await after.stop() == 0)
    }

    @Test func aDamagedPageCostsItsMessagesAndIsTold() async throws {
        let folder = Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await killed(folder)
        // A start and a stop move what is in the log to the file.
        #expect(try await RunningApus(dataDirectory: folder).stop() == 0)
        try overwrite("\(folder)/apus.db", at: try Self.pageOfMessages(in: "\(folder)/apus.db"), 4_096)
        let apus = try await RunningApus(dataDirectory: folder)
        try await apus.program.errorLine { $0.contains("the store was damaged") && $0.contains("lost") }
        #expect(FileManager.default.fileExists(atPath: "\(folder)/apus.db.damaged"))
        #expect(try await Self.take(MQTTTalk(apus, "away", expiry: 3_600), 490) >= 490)
        #expect(try await apus.stop() == 0)
    }

    /// Root is stopped by a mount only.
    @Test(
        .enabled(
            if: MemoryDisk.isAvailable || geteuid() != 0, "a read-only disk has to be mounted, which this root may not")
    )
    func aFolderThatMayOnlyBeReadIsOneSentenceAndStatus69() async throws {
        let folder = Self.temporaryFolder()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer {
            MemoryDisk.unmount(folder)
            try? FileManager.default.removeItem(atPath: folder)
        }
        if geteuid() == 0 { try MemoryDisk.mount("ro", at: folder) } else { chmod(folder, 0o500) }
        for data in [folder, "\(folder)/data"] {
            let apus = try RunningApus.start(["serve", "--set", "mqtt.tcp.port=0", "--set", "data_dir=\(data)"])
            #expect(try await apus.exitStatus() == 69)
            #expect(apus.errorLines.count == 1)
            #expect(apus.errorLines.first?.contains(folder) == true)
            #expect(apus.errorLines.first?.contains("set data_dir to another") == true)
        }
    }

    /// Takes and acknowledges messages until there are `count`, of which the first `taken` have been.
    private static func take(_ talk: MQTTTalk, _ count: Int, after taken: Int = 0) async throws -> Int {
        var taken = taken
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
    fileprivate var isAnswer: Bool { if case .puback = self { true } else { false } }

    fileprivate var isAcknowledged: Bool {
        if case .puback(let answer) = self { !answer.reasonCode.isFailure } else { false }
    }
}
