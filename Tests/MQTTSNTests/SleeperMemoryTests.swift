import Foundation
import Testing

/// What a sleeping session costs. Measured alone, because the figure is the whole process's: `APUS_BENCH=1`.
@Suite("Sleeper memory", .enabled(if: ProcessInfo.processInfo.environment["APUS_BENCH"] != nil))
struct SleeperMemoryTests {
    private static let sleepers = 10_000
    /// Octets of one session without backlog, core and gateway together, its status topic included.
    private static let budget = 1_024

    @Test("A sleeping session stays within its budget") func octetsPerSleeper() throws {
        let gateway = try LoopUnderTest(name: 1)
        _ = gateway.wait(.seconds(1))
        let before = try ResidentMemory.octets()
        for number in 0..<Self.sleepers {
            let port = 1_024 + number
            let clientID = Array("sensor-\(number)".utf8)
            let connect = [UInt8(clientID.count + 6), 0x04, 0x00, 0x01, 0x00, 0x3C] + clientID
            #expect(gateway.receive(connect, port: port) == [[0x03, 0x05, 0x00]])
            _ = gateway.receive([0x08, 0x12, 0x20, 0x00, 0x02, 0x61, 0x2F, 0x23], port: port)
            #expect(gateway.receive([0x04, 0x18, 0xFF, 0xFF], port: port) == [[0x02, 0x18]])
        }
        _ = gateway.wait(.seconds(30))
        let octets = (try ResidentMemory.octets() - before) / Self.sleepers
        print("a sleeping session with one subscription: \(octets) octets")
        #expect(octets <= Self.budget)
    }
}

/// The process's memory: the second figure of statm(5), in pages of 4 KiB.
enum ResidentMemory {
    static func octets() throws -> Int {
        let figures = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return try #require(Int(figures[1])) * 4_096
    }
}
