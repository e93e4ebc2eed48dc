import MQTTCodec
import TestKit

extension FuzzTarget {
    /// Inputs to begin with: Fixtures/fuzz/{target}.txt, which also has what was once found wrong, and for the codec every
    /// packet of Fixtures/mqtt.
    /// - Throws: when a file cannot be read.
    package func inputs() throws -> [[UInt8]] {
        let own = try FixtureTable("fuzz/\(rawValue).txt").rows.compactMap { TestKit.octets(hex: $0[0]) }
        guard self == .codec else { return own }
        return try own + packets(in: "mqtt/valid.txt") + packets(in: "mqtt/invalid.txt")
    }

    /// Rows are: sender | version | hex | …
    private func packets(in path: String) throws -> [[UInt8]] {
        try FixtureTable(path).rows.compactMap { row in
            guard row.count > 2, let octets = TestKit.octets(hex: row[2]) else { return nil }
            let isConnect = octets.first == PacketType.connect.rawValue << 4
            let version = isConnect ? nil : Self.versions[row[1]]
            return [CodecProperty.instruction(row[0] == "client" ? .client : .server, version)] + octets
        }
    }

    private static let versions: [String: ProtocolVersion] = ["3.1": .v31, "3.1.1": .v311, "5.0": .v5]
}
