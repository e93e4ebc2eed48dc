import TestKit
import Testing

/// Libraries people write devices with, each with every protocol version and over every transport it speaks: publishing and
/// receiving at every QoS, from 5.0 on with a property.
@Suite struct MQTTClientTests {
    private static let transports = ["tcp", "tls", "ws", "wss"]

    @Test(arguments: ["paho", "aiomqtt"], [3, 4, 5])
    func aPythonClientTalksToItself(_ client: String, level: Int) async throws {
        try await expectAll(BuiltProducts.python, "mqtt_\(client).py", level: level, over: Self.transports)
    }

    /// It has no WebSocket.
    @Test(arguments: [4, 5])
    func gmqttTalksToItself(level: Int) async throws {
        try await expectAll(BuiltProducts.python, "mqtt_gmqtt.py", level: level, over: ["tcp", "tls"])
    }

    @Test(arguments: [3, 4, 5])
    func nodeMQTTTalksToItself(level: Int) async throws {
        // Where Debian puts Node's modules; a Node of other making does not look there.
        let environment = ["NODE_PATH": "/usr/share/nodejs"]
        try await expectAll("node", "mqtt_node.js", level: level, over: Self.transports, environment: environment)
    }

    private func expectAll(
        _ interpreter: String, _ script: String, level: Int, over transports: [String],
        environment: [String: String] = [:]
    ) async throws {
        let certificates = try await Certificates()
        let apus = try await RunningApus(["mqtt.tls.enabled=true", "mqtt.wss.enabled=true"] + certificates.settings)
        let path = "\(BuiltProducts.repository)/Tests/EndToEndTests/Clients/\(script)"
        for transport in transports {
            let authority = transport == "tls" || transport == "wss" ? [certificates.authority] : []
            let client = try Program(
                interpreter, [path, "\(try apus.port("mqtt.\(transport)"))", "\(level)", transport] + authority,
                environment: environment)
            try await client.line { $0 == "DONE 0:m0 1:m1 2:m2" }
            #expect(try await client.exitStatus() == 0)
        }
        #expect(try await apus.stop() == 0)
    }
}
