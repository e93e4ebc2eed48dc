import Foundation
import MQTTCodec
import NIOCore
import TestKit
import Testing

/// `apus store`, as operators use it.
@Suite struct StoreCommandTests {
    private final class Folders: Sendable {
        private let root = FileManager.default.temporaryDirectory.appending(path: "apus-stores-\(UUID().uuidString)")
        subscript(name: String) -> String { root.appending(path: name).path }
        func make(_ name: String) throws {
            try FileManager.default.createDirectory(atPath: self[name], withIntermediateDirectories: true)
        }
        deinit { try? FileManager.default.removeItem(at: root) }
    }

    private let folders = Folders()

    private func store(_ arguments: [String], _ folder: String, input: [String] = []) async throws -> Program {
        let program = try RunningApus.start(["store"] + arguments + ["--set", "data_dir=\(folder)"])
        program.finishInput(Array(input.map { $0 + "\n" }.joined().utf8))
        _ = try await program.exitStatus()
        return program
    }

    /// Three messages of 2,000 octets wait for "away".
    private func serving(_ folder: String) async throws -> RunningApus {
        let apus = try await RunningApus(dataDirectory: folder)
        let away = try await MQTTTalk(apus, "away", expiry: 3_600)
        away.send(.subscribe(Subscribe(1, filters: [Subscribe.Filter("kept/#", qos: .atLeastOnce)])))
        _ = try await away.answers { $0.count >= 2 ? true : nil }
        away.send(.disconnect(Disconnect()))
        let publisher = try await MQTTTalk(apus, "publisher")
        for number in 1...3 as ClosedRange<UInt16> {
            publisher.publish("kept/x", [UInt8](repeating: UInt8(number), count: 2_000), .atLeastOnce, number)
            #expect(try await publisher.acknowledgement(of: number) == .success)
        }
        return apus
    }

    private func expectTheMessages(_ folder: String) async throws {
        let apus = try await RunningApus(dataDirectory: folder)
        let away = try await MQTTTalk(apus, "away", expiry: 3_600)
        let first: [UInt8] = try await away.answers { packets in
            let messages = packets.compactMap { if case .publish(let message) = $0 { message } else { nil } }
            return messages.count == 3 ? messages.compactMap(\.payload.readableBytesView.first) : nil
        }
        #expect(first == [1, 2, 3])
        #expect(try await apus.stop() == 0)
    }

    @Test func aStoreIsLookedAtAndCopiedWhileItServes() async throws {
        let apus = try await serving(folders["live"])
        let info = try await store(["info"], folders["live"])
        #expect(info.lines.contains { $0.hasPrefix("in use:") && $0.hasSuffix("yes") })
        #expect(info.lines.contains { $0.hasPrefix("queued:") && $0.hasSuffix("3 deliveries of 3 messages") })
        let verify = try await store(["verify"], folders["live"])
        #expect(try await verify.exitStatus() == 0 && verify.lines.first?.hasPrefix("the store is sound") == true)

        try folders.make("backup")
        let backup = try await store(["backup", "\(folders["backup"])/apus.db"], folders["live"])
        #expect(try await backup.exitStatus() == 0)
        let export = try await store(["export"], folders["live"])
        #expect(try await export.exitStatus() == 0)
        let refused = try await store(["import"], folders["live"], input: export.lines)
        #expect(try await refused.exitStatus() == 69)
        #expect(refused.errorLines.first?.contains("in use by another process") == true)
        let taken = try await store(["import"], folders["import"], input: export.lines)
        #expect(taken.lines == ["\(export.lines.count) lines imported into \(folders["import"])/apus.db"])
        let again = try await store(["import"], folders["import"], input: export.lines)
        #expect(try await again.exitStatus() == 69 && again.errorLines.first?.contains("is not empty") == true)
        #expect(try await apus.stop() == 0)

        for copy in ["backup", "import", "live"] { try await expectTheMessages(folders[copy]) }
    }

    private func overwrite(at offset: UInt64, with octets: [UInt8]) throws {
        let file = try FileHandle(forUpdating: URL(filePath: "\(folders["data"])/apus.db"))
        try file.seek(toOffset: offset)
        try file.write(contentsOf: octets)
        try file.close()
    }

    /// The schema's number is SQLite's user version (file format, 1.3.15).
    @Test func aNewerSchemaIsRefusedInOneSentence() async throws {
        #expect(try await serving(folders["data"]).stop() == 0)
        try overwrite(at: 60, with: [0, 0, 0, 99])
        let serve = try RunningApus.start(["serve", "--set", "mqtt.tcp.port=0", "--set", "data_dir=\(folders["data"])"])
        #expect(try await serve.exitStatus() == 69)
        #expect(serve.errorLines.count == 1)
        #expect(serve.errorLines.first?.contains("was written by a newer Apus, with schema 99") == true)
        #expect(serve.errorLines.first?.contains("start that version or a later one, or set data_dir") == true)
        #expect(try await store(["info"], folders["data"]).exitStatus() == 69)
    }

    @Test func verifyTellsDamage() async throws {
        #expect(try await serving(folders["data"]).stop() == 0)
        let pages = try Data(contentsOf: URL(filePath: "\(folders["data"])/apus.db")).count / 4_096
        try overwrite(at: UInt64(pages - 1) * 4_096, with: [UInt8](repeating: 0xA5, count: 4_096))
        let verify = try await store(["verify"], folders["data"])
        #expect(try await verify.exitStatus() == 70)
        #expect(!verify.errorLines.isEmpty)
    }
}
