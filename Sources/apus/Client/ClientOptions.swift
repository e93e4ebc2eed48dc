import ArgumentParser
import MQTTCodec

/// How `apus pub` and `apus sub` reach a broker. Letters are those of mosquitto_pub and mosquitto_sub, which people know.
struct ClientOptions: ParsableArguments {
    @Option(name: [.customShort("h"), .long], help: "Host of the broker.")
    var host = "127.0.0.1"

    @Option(
        name: .shortAndLong, help: "Port of the broker; when left out 1883, with TLS 8883, with WebSocket 8083 or 8084."
    )
    var port: Int?

    @Option(name: [.customShort("i"), .customLong("id")], help: "Client id; chosen by the broker when left out.")
    var id: String?

    @Option(name: [.customShort("u"), .long], help: "User name.")
    var username: String?

    @Option(name: [.customShort("P"), .customLong("pw")], help: "Password.")
    var password: String?

    @Option(name: [.customShort("V"), .customLong("protocol-version")], help: "MQTT version: 3.1.1 or 5.")
    var version = ClientVersion.v5

    @Option(name: .shortAndLong, help: "Quality of service: 0, 1 or 2.")
    var qos = 0

    @OptionGroup var security: ClientSecurityOptions

    @Flag(name: .customLong("ws"), help: "Use WebSocket, with TLS wss.")
    var usesWebSocket = false

    @Option(help: "Path of the WebSocket.")
    var path = "/mqtt"

    var brokerPort: Int {
        if let port { return port }
        return switch (usesWebSocket, security.isSecure) {
        case (false, false): 1_883
        case (false, true): 8_883
        case (true, false): 8_083
        case (true, true): 8_084
        }
    }

    func validate() throws {
        guard MQTTCodec.QoS(qosNumber: qos) != nil else { throw ValidationError("-q takes 0, 1 or 2.") }
        guard (1...65_535).contains(brokerPort) else { throw ValidationError("-p takes a port from 1 to 65535.") }
    }
}

/// Names the versions go by on a command line.
enum ClientVersion: String, ExpressibleByArgument, CaseIterable {
    case v311 = "3.1.1"
    case v5 = "5"

    init?(argument: String) {
        switch argument.lowercased() {
        case "3.1.1", "311", "4", "mqttv311": self = .v311
        case "5", "5.0", "mqttv5": self = .v5
        default: return nil
        }
    }

    var protocolVersion: ProtocolVersion {
        switch self {
        case .v311: .v311
        case .v5: .v5
        }
    }
}

extension MQTTCodec.QoS {
    init?(qosNumber: Int) {
        guard let raw = UInt8(exactly: qosNumber) else { return nil }
        self.init(rawValue: raw)
    }
}
