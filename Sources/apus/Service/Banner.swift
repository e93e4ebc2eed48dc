import Messaging

/// What the start-up shows: each listener, and a command that tries it.
struct Banner {
    let version: String
    let listeners: [Listener]
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
        return switch listener.protocolName {
        case "MQTT" where listener.transport == "unix": "mosquitto_sub --unix \(listener.address) -v -t '#'"
        case "MQTT" where listener.transport == "tls":
            "mosquitto_sub -h \(host) -p \(listener.port) --cafile CA-OF-THE-CERTIFICATE -v -t '#'"
        case "MQTT" where listener.path != nil:
            "point a browser's MQTT client at \(listener.transport)://\(authority(host, listener))\(listener.path ?? "")"
        case "MQTT": "mosquitto_sub -h \(host) -p \(listener.port) -v -t '#'"
        case "MQTT-SN" where listener.transport == "dtls":
            "openssl s_client -dtls1_2 -connect \(authority(host, listener)) -psk_identity CLIENT-ID -psk KEY-IN-HEX"
        case "MQTT-SN": "point an MQTT-SN 1.2 client at \(host), port \(listener.port)"
        case "CoAP": "coap-client-openssl -m put -e 21.5 \(uri)/ps/demo"
        case "HTTP": "curl http://\(authority(host, listener))/metrics"
        case "LwM2M": "point a device at the server URI \(uri)"
        default: ""
        }
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
