import TestKit
import Testing

/// Libraries people write devices with, each with every protocol version it speaks: publishing and receiving at every QoS, from
/// 5.0 on with a property.
@Suite struct MQTTClientTests {
    @Test(arguments: ["paho", "aiomqtt"], [3, 4, 5])
    func aPythonClientTalksToItself(_ client: String, level: Int) async throws {
        try await expectAll(BuiltProducts.python, "mqtt_\(client).py", level: level)
    }

    @Test(arguments: [4, 5])
    func gmqttTalksToItself(level: Int) async throws {
        try await expectAll(BuiltProducts.python, "mqtt_gmqtt.py", level: level)
    }

    @Test(arguments: [3, 4, 5])
    func nodeMQTTTalksToItself(level: Int) async throws {
        // Where Debian puts Node's modules; a Node of other making does not look there.
        try await expectAll("node", "mqtt_node.js", level: level, environment: ["NODE_PATH": "/usr/share/nodejs"])
    }

    private func expectAll(
        _ interpreter: String, _ script: String, level: Int, environment: [String: String] = [:]
    ) async throws {
        let apus = try await RunningApus()
        let path = "\(BuiltProducts.repository)/Tests/EndToEndTests/Clients/\(script)"
        let client = try Program(
            interpreter, [path, "\(try apus.port("mqtt.tcp"))", "\(level)"], environment: environment)
        try await client.line { $0 == "DONE 0:m0 1:m1 2:m2" }
        #expect(try await client.exitStatus() == 0)
        #expect(try await apus.stop() == 0)
    }
}
