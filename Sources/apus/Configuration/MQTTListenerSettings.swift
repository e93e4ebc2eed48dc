import Settings

/// A listener for MQTT over TCP, and what may be put around it.
struct MQTTListenerSettings: Decodable, Sendable {
    var enabled: Bool
    /// Numeric; checked by `Configuration+Check`.
    var address: Addresses
    var port: Whole<0, 65_535>
    var proxyProtocol: Bool
    var limits: MQTTListenerLimits

    enum CodingKeys: String, CodingKey {
        case enabled, address, port
        case proxyProtocol = "proxy_protocol"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        enabled = try container.decode(Bool.self, forKey: .enabled)
        address = try container.decode(Addresses.self, forKey: .address)
        port = try container.decode(Whole<0, 65_535>.self, forKey: .port)
        proxyProtocol = try container.decode(Bool.self, forKey: .proxyProtocol)
        limits = try MQTTListenerLimits(from: decoder)
    }
}

/// A listener for MQTT over WebSocket. Its keys stand beside those of the listener.
struct MQTTWebSocketSettings: Decodable, Sendable {
    var listener: MQTTListenerSettings
    /// Absolute; checked by `Configuration+Check`.
    var path: String
    var origins: [String]
    var maxFrameSize: ByteSize?

    enum CodingKeys: String, CodingKey {
        case path, origins
        case maxFrameSize = "max_frame_size"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        path = try container.decode(String.self, forKey: .path)
        origins = try container.decode([String].self, forKey: .origins)
        maxFrameSize = try container.decodeIfPresent(ByteSize.self, forKey: .maxFrameSize)
        listener = try MQTTListenerSettings(from: decoder)
    }
}

/// A listener for MQTT over a unix socket.
struct MQTTUnixSettings: Decodable, Sendable {
    var enabled: Bool
    /// Absolute; checked by `Configuration+Check`.
    var path: String
    var mode: FileMode
    var limits: MQTTListenerLimits

    enum CodingKeys: String, CodingKey { case enabled, path, mode }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        enabled = try container.decode(Bool.self, forKey: .enabled)
        path = try container.decode(String.self, forKey: .path)
        mode = try container.decode(FileMode.self, forKey: .mode)
        limits = try MQTTListenerLimits(from: decoder)
    }
}

/// What one listener may bound more tightly, or less, than `mqtt` does. The keys stand in the listener's own section.
struct MQTTListenerLimits: Decodable, Sendable {
    var maxPacketSize: ByteSize?
    var connectTimeout: Duration?
    var maxConnections: Whole<1, 1_000_000_000>?

    enum CodingKeys: String, CodingKey {
        case maxConnections = "max_connections"
        case maxPacketSize = "max_packet_size"
        case connectTimeout = "connect_timeout"
    }
}

/// One address, `127.0.0.1`, or a list of them, `[127.0.0.1, "::1"]`.
struct Addresses: Decodable, Sendable {
    var list: [String]

    init(from decoder: any Decoder) throws {
        if var items = try? decoder.unkeyedContainer() {
            list = []
            while !items.isAtEnd { list.append(try items.decode(String.self)) }
            guard !list.isEmpty else { throw InvalidSetting(expected: "at least one address") }
        } else {
            list = [try decoder.singleValueContainer().decode(String.self)]
        }
    }
}

/// Permission bits as chmod takes them: `0660`.
struct FileMode: Decodable, Sendable {
    var bits: UInt32

    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let bits = UInt32(text, radix: 8), bits <= 0o777 else {
            throw InvalidSetting(expected: "permissions in octal, such as 0660")
        }
        self.bits = bits
    }
}
