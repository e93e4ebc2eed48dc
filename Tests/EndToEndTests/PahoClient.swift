import TestKit

/// paho-mqtt in a Python program of its own.
enum PahoClient {
    static func start(_ arguments: [String]) throws -> Program {
        let script = BuiltProducts.repository + "/Tests/EndToEndTests/Clients/mqtt_client.py"
        return try Program(BuiltProducts.python, [script] + arguments)
    }
}
