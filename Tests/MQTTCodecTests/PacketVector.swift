import MQTTCodec
import NIOCore
import TestKit
import Testing

/// One line of Fixtures/mqtt: bytes, and what they are.
struct PacketVector: Sendable, CustomTestStringConvertible {
    let sender: Sender
    /// Nil: the decoder has not seen CONNECT yet.
    let version: ProtocolVersion?
    let octets: [UInt8]
    /// Name of the error; nil for a valid packet.
    let error: String?
    let note: String

    var testDescription: String { note }

    /// A decoder in the state the vector is meant for.
    var decoder: PacketDecoder {
        // CONNECT brings its version along.
        let isConnect = error == nil && octets.first == 0x10
        return PacketDecoder(reading: sender, version: isConnect ? nil : version)
    }

    static let valid = load("mqtt/valid.txt", hasError: false)
    static let invalid = load("mqtt/invalid.txt", hasError: true)

    private static func load(_ path: String, hasError: Bool) -> [PacketVector] {
        guard let table = try? FixtureTable(path) else { return [] }
        return table.rows.compactMap { row in
            guard row.count == (hasError ? 6 : 5), let octets = TestKit.octets(hex: row[2]) else { return nil }
            return PacketVector(
                sender: row[0] == "client" ? .client : .server, version: versions[row[1]], octets: octets,
                error: hasError ? row[3] : nil, note: "\(row[1]) \(row[hasError ? 4 : 3])")
        }
    }

    private static let versions: [String: ProtocolVersion] = ["3.1": .v31, "3.1.1": .v311, "5.0": .v5]
}
