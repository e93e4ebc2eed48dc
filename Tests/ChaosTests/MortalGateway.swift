import Foundation
import TestKit

/// A gateway that is killed and started again on the same data folder, on other ports each time.
final class MortalGateway: Sendable {
    /// From a start to the next kill.
    struct Life: Sendable, Equatable {
        let number: Int
        let mqtt: Int
        let mqttsn: Int
        let coap: Int
    }

    struct State: Sendable {
        var life: Life?
        /// Lives so far.
        var started = 0
        /// No life follows: clients end.
        var isOver = false
    }

    let state = Shared(State())
    let folder: URL
    private let settings: [String]
    private let powerLoss: PowerLoss?
    private var environment: [String: String] { powerLoss?.environment ?? [:] }

    /// - Parameter losesPower: a kill takes with it what was not synced.
    init(_ settings: [String], losesPower: Bool, seed: UInt64) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "apus-chaos-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        self.settings = settings
        powerLoss = losesPower ? try PowerLoss(folder, of: folder.appending(path: "data"), seed: seed) : nil
    }

    /// Takes away what the run has left.
    func remove() { try? FileManager.default.removeItem(at: folder) }

    var dataDirectory: String { folder.appending(path: "data").path }

    /// Starts it and waits until it serves. Clients do not know of it before `open`.
    func start() async throws -> RunningApus {
        try await RunningApus(settings, dataDirectory: dataDirectory, environment: environment)
    }

    /// Starts it for being killed before it serves.
    func startOnly() throws -> Program {
        let ports = ["mqtt.tcp", "mqtt.tls", "mqtt.ws", "mqtt.wss", "mqttsn.udp", "coap.udp", "admin.http"].map {
            "\($0).port=0"
        }
        return try RunningApus.start(
            ["serve"] + (ports + settings + ["data_dir=\(dataDirectory)"]).flatMap { ["--set", $0] },
            environment: environment)
    }

    /// Lets the clients come.
    func open(_ apus: RunningApus) throws {
        let (mqtt, mqttsn, coap) = try (apus.port("mqtt.tcp"), apus.port("mqttsn.udp"), apus.port("coap.udp"))
        state.change { state in
            state.started += 1
            state.life = Life(number: state.started, mqtt: mqtt, mqttsn: mqttsn, coap: coap)
        }
    }

    /// The clients hear nothing of it but silence.
    func kill(_ program: Program) async throws {
        program.signal(SIGKILL)
        _ = try await program.exitStatus()
        state.change { $0.life = nil }
        try powerLoss?.strike()
    }

    func end() { state.change { $0.isOver = true } }

    // MARK: What clients ask

    var life: Life? { state.read { $0.life } }

    /// The first life after the given one; nil when there is none any more.
    func life(after number: Int) async -> Life? {
        while !state.read({ $0.isOver }) {
            let next: Life?? = await state.wait(within: .seconds(60)) { state in
                if state.isOver { return .some(nil) }
                return state.life.flatMap { $0.number > number ? .some($0) : nil }
            }
            if let next { return next }
        }
        return nil
    }

    // MARK: What it leaves

    /// Runs `apus store` on a copy of what the dead gateway left, so that looking at it changes nothing for the next start.
    func examine(_ commands: [String]) async throws -> [Finding] {
        let copy = folder.appending(path: "examined")
        try? FileManager.default.removeItem(at: copy)
        try FileManager.default.copyItem(at: URL(filePath: dataDirectory), to: copy)
        var findings: [Finding] = []
        for command in commands {
            let program = try RunningApus.start(["store", command, "--set", "data_dir=\(copy.path)"])
            let status = try await program.exitStatus(within: .seconds(60))
            findings.append(Finding(status: status, lines: program.lines, errors: program.errorLines))
        }
        return findings
    }

    struct Finding {
        let status: Int32
        let lines: [String]
        let errors: [String]
    }
}
