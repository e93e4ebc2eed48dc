import Logging
import Testing

@testable import Telemetry

@Suite struct LogLineTests {
    private func line(_ style: LogLine.Style = .plain, _ metadata: Logger.Metadata = [:]) -> String {
        LogLine.text(
            style: style, time: "T", level: .warning, label: "apus.mqtt", message: "client connected", metadata: metadata)
    }

    @Test func aRecordIsOneLine() {
        #expect(line(.plain, ["peer": "127.0.0.1:1", "client": "a"]) == "T warning apus.mqtt client connected client=a peer=127.0.0.1:1\n")
    }

    @Test func journaldGetsItsPriorityAndNoTime() {
        #expect(line(.journal) == "<4>apus.mqtt client connected\n")
    }

    @Test(arguments: [
        ("a b", "\"a b\""), ("", "\"\""), ("a\nT error forged", "\"a\\nT error forged\""), ("x=y", "\"x=y\""),
        ("quote\"", "\"quote\\\"\""), ("\u{1B}[31m", "\"\\u{1b}[31m\""), ("a\u{2028}b", "\"a\\u{2028}b\""),
        ("söl", "söl"),
    ])
    func aStrangersTextCannotForgeALine(value: String, written: String) {
        #expect(line(.plain, ["client": "\(value)"]).hasSuffix(" client=\(written)\n"))
    }
}
