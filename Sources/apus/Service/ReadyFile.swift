import Foundation
import Messaging

/// The listeners as JSON, for scripts: the file appears, complete, when all of them serve.
///
///     [{"name":"mqtt.tcp","protocol":"MQTT","transport":"tcp","address":"127.0.0.1","port":1883}]
struct ReadyFile {
    private struct Entry: Encodable {
        var name: String
        var `protocol`: String
        var transport: String
        var address: String
        var port: Int
    }

    let path: String

    /// Writes beside the place and renames, so that whoever waits for the file never sees half of it.
    func write(_ listeners: [Listener]) throws {
        let entries = listeners.map {
            Entry(
                name: $0.name, protocol: $0.protocolName, transport: $0.transport, address: $0.address, port: $0.port)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(entries).write(to: URL(filePath: path), options: .atomic)
    }
}
