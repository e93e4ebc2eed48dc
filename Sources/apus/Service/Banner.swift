import Messaging

/// What the start-up shows: each listener, and a command that tries it.
struct Banner {
    let version: String
    /// How the operator called it.
    let program: String
    let listeners: [Listener]
    /// What clients of a listener have to be told, by its name (`Configuration.clientOptions`).
    let clientOptions: [String: String]
    /// What is kept where.
    let store: String

    var text: String {
        let rows = listeners.map { listener in
            [listener.protocolName, "\(listener.transport) \(endpoint(listener))", example(for: listener)]
        }
        let widths = (0..<2).map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            "  \(padded(row[0], widths[0]))  \(padded(row[1], widths[1]))  \(row[2])"
        }
        return (["Apus \(version) is serving. To try it:", ""] + lines + ["", store, "Stop with Ctrl-C."])
            .joined(separator: "\n")
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func endpoint(_ listener: Listener) -> String {
        guard listener.transport != "unix" else { return listener.address }
        return listener.address.contains(":")
            ? "[\(listener.address)]:\(listener.port)" : "\(listener.address):\(listener.port)"
    }

    private func example(for listener: Listener) -> String {
        let host = reachable(listener.address)
        let uri = "coap://\(authority(host, listener))"
        let options = clientOptions[listener.name] ?? ""
        return switch listener.protocolName {
        case "MQTT" where listener.transport == "unix": "mosquitto_sub --unix \(listener.address)\(options) -v -t '#'"
        case "MQTT" where listener.path != nil: webSocketExample(listener, host, options)
        case "MQTT": "mosquitto_sub -h \(host) -p \(listener.port)\(options) -v -t '#'"
        case "MQTT-SN" where listener.transport == "dtls":
            "openssl s_client -dtls1_2 -connect \(authority(host, listener)) -psk_identity CLIENT-ID -psk KEY-IN-HEX"
        case "MQTT-SN": "point an MQTT-SN 1.2 client at \(host), port \(listener.port)"
        case "CoAP": "coap-client-openssl -m put -e 21.5 \(uri)/ps/demo"
        case "HTTP": "curl http://\(authority(host, listener))/metrics"
        case "LwM2M": "point a device at the server URI \(uri)"
        default: ""
        }
    }

    /// mosquitto_sub has no WebSocket, and `apus sub` no pre-shared keys.
    private func webSocketExample(_ listener: Listener, _ host: String, _ options: String) -> String {
        let path = listener.path ?? "/"
        let uri = "\(listener.transport)://\(authority(host, listener))\(path)"
        guard !options.contains("--psk") else { return "point an MQTT client with a pre-shared key at \(uri)" }
        return "\(program) sub --ws -h \(host) -p \(listener.port) --path \(path)\(options) -v -t '#'  # \(uri)"
    }

    private func authority(_ host: String, _ listener: Listener) -> String {
        "\(host.contains(":") ? "[\(host)]" : host):\(listener.port)"
    }

    /// An address a client on this machine can connect to, where the listener takes every address.
    private func reachable(_ address: String) -> String {
        switch address {
        case "0.0.0.0": "127.0.0.1"
        case "::": "::1"
        default: address
        }
    }
}
