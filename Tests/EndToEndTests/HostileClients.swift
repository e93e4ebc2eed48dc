import TestKit
import Testing

/// Clients that are slow, greedy or many: what they cost is bounded, what they do is counted, and the others are served. One after
/// the other, because each keeps the machine busy.
@Suite(.serialized) enum HostileClients {
    /// LwM2M has a session and subscriptions of its own, and $SYS topics come on top: the counts of these tests leave both out.
    static let alone = ["lwm2m.enabled=false", "sys_interval=1d"]

    /// A client whose CONNECT has been answered.
    static func connected(
        _ apus: RunningApus, _ clientID: String, version: UInt8 = 5, keepAlive: UInt16 = 0
    ) async throws -> RawSocket {
        let socket = try RawSocket(.tcp, port: apus.port("mqtt.tcp"))
        socket.send(MQTTOctets.connect(clientID, version: version, keepAlive: keepAlive))
        try await socket.wait { $0.octets.first == 0x20 && $0.octets.count >= 4 ? true : nil }
        socket.clear()
        return socket
    }

    /// Subscribers and publishers still find each other, several times in a row.
    static func expectOthersServed(_ apus: RunningApus) async throws {
        for number in 0..<3 {
            let subscriber = try await Mosquitto.subscribe(apus, "others/\(number)")
            try await Mosquitto.publish(apus, "others/\(number)", [1])
            #expect(try await subscriber.messages(1).count == 1)
        }
    }
}

extension Sequence {
    /// One after the other.
    func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
