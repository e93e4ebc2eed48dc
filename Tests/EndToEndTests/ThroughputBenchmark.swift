import Foundation
import Glibc
import MQTTCodec
import TestKit
import Testing

/// `make bench`: processor time of the broker for each delivered message of 64 octets, beside Debian's Mosquitto in the same
/// run. The generator shares the machine with the broker, so the rate says less than the processor time.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["TEST_BENCH"] != nil))
struct ThroughputBenchmark {
    private struct Result {
        var rate: Double
        var microseconds: Double
    }

    @Test(arguments: QoS.allCases)
    func fiftyPipelinedPairs(qos: QoS) async throws {
        let apus = try await RunningApus()
        let own = try await measure(apus.program, port: apus.port("mqtt.tcp"), qos)
        #expect(try await apus.stop() == 0)
        let (mosquitto, port) = try await startMosquitto()
        let other = try await measure(mosquitto, port: port, qos)
        func row(_ name: String, _ result: Result) -> String {
            "QoS \(qos.rawValue)  \(name)  \(Int(result.rate)) delivered/s, "
                + "\(String(format: "%.2f", result.microseconds)) us processor time each"
        }
        print(row("Apus     ", own) + "\n" + row("Mosquitto", other))
    }

    private func measure(_ broker: Program, port: Int, _ qos: QoS) async throws -> Result {
        let seconds = 10
        let before = processorSeconds(of: broker.processIdentifier)
        let report = try await LoadGenerator(port: port, pairs: 50, qos: qos, duration: .seconds(seconds)).run()
        let used = processorSeconds(of: broker.processIdentifier) - before
        #expect(report.failures.isEmpty)
        return Result(
            rate: Double(report.received) / Double(seconds), microseconds: used * 1e6 / Double(max(1, report.received)))
    }

    /// User and system time, fields 14 and 15 of /proc/{pid}/stat (proc(5)).
    private func processorSeconds(of process: Int32) -> Double {
        let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        let fields = text.drop { $0 != ")" }.split(separator: " ").dropFirst().compactMap { Double($0) }
        let afterState = Array(fields)
        guard afterState.count > 11 else { return 0 }
        return (afterState[10] + afterState[11]) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private func startMosquitto() async throws -> (Program, Int) {
        let port = try RawSocket.freePort()
        let file = try TemporaryFile("listener \(port) 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nlog_dest stderr\n")
        let program = try Program("/usr/sbin/mosquitto", ["-c", file.path])
        // Its log goes to standard error.
        try await program.errorLine { $0.contains("running") }
        return (program, port)
    }
}
