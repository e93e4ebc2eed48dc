import Settings

/// The files of TLS. A listener may name others.
struct TLSFileSettings: Decodable, Sendable {
    enum Version: String, Choice {
        case tls12 = "1.2"
        case tls13 = "1.3"
    }

    var certificateFile: String?
    var keyFile: String?
    var clientCAFile: String?
    /// Nil only in a listener's section.
    var minVersion: Version?

    enum CodingKeys: String, CodingKey {
        case certificateFile = "certificate_file"
        case keyFile = "key_file"
        case clientCAFile = "client_ca_file"
        case minVersion = "min_version"
    }
}

/// What a listener that speaks TLS asks of clients, and the files it has of its own. The keys stand beside the listener's.
struct ListenerSecuritySettings: Decodable, Sendable {
    enum ClientCertificate: String, Choice { case none, optional, required }
    enum Name: String, Choice { case none, cn, dns, uri, email }

    var files: TLSFileSettings
    var clientCertificate: ClientCertificate
    var certificateUserName: Name
    var certificateClientID: Name
    var pskFile: String?
    var pskUserName: Bool
    var pskClientID: Bool

    enum CodingKeys: String, CodingKey {
        case clientCertificate = "client_certificate"
        case certificateUserName = "certificate_username"
        case certificateClientID = "certificate_client_id"
        case pskFile = "psk_file"
        case pskUserName = "psk_username"
        case pskClientID = "psk_client_id"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        clientCertificate = try container.decode(ClientCertificate.self, forKey: .clientCertificate)
        certificateUserName = try container.decode(Name.self, forKey: .certificateUserName)
        certificateClientID = try container.decode(Name.self, forKey: .certificateClientID)
        pskFile = try container.decodeIfPresent(String.self, forKey: .pskFile)
        pskUserName = try container.decode(Bool.self, forKey: .pskUserName)
        pskClientID = try container.decode(Bool.self, forKey: .pskClientID)
        files = try TLSFileSettings(from: decoder)
    }

    /// Its own section speaks of certificates.
    var asksForCertificates: Bool {
        clientCertificate != .none || certificateUserName != .none || certificateClientID != .none
            || files.certificateFile != nil || files.keyFile != nil || files.clientCAFile != nil
    }

    /// A connection can prove who its client is.
    var provesClients: Bool {
        certificateUserName != .none || certificateClientID != .none || pskUserName || (pskClientID && pskFile != nil)
    }
}

/// A listener for MQTT over TLS.
struct MQTTTLSSettings: Decodable, Sendable {
    var listener: MQTTListenerSettings
    var security: ListenerSecuritySettings

    init(from decoder: any Decoder) throws {
        listener = try MQTTListenerSettings(from: decoder)
        security = try ListenerSecuritySettings(from: decoder)
    }
}

/// A listener for MQTT over WebSocket over TLS.
struct MQTTSecureWebSocketSettings: Decodable, Sendable {
    var webSocket: MQTTWebSocketSettings
    var security: ListenerSecuritySettings

    init(from decoder: any Decoder) throws {
        webSocket = try MQTTWebSocketSettings(from: decoder)
        security = try ListenerSecuritySettings(from: decoder)
    }
}

/// The section `mqttsn.dtls`. The keys of all its parts stand in it.
struct DTLSListenerSettings: Decodable, Sendable {
    var listener: ListenerSettings
    var security: ListenerSecuritySettings
    var maxHandshakes: Whole<1, 1_000_000>
    var maxSessions: Whole<1, 1_000_000_000>
    var handshakeTimeout: Duration
    var idleTimeout: Duration?

    enum CodingKeys: String, CodingKey {
        case maxHandshakes = "max_handshakes"
        case maxSessions = "max_sessions"
        case handshakeTimeout = "handshake_timeout"
        case idleTimeout = "idle_timeout"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        maxHandshakes = try container.decode(Whole<1, 1_000_000>.self, forKey: .maxHandshakes)
        maxSessions = try container.decode(Whole<1, 1_000_000_000>.self, forKey: .maxSessions)
        handshakeTimeout = try container.decode(Duration.self, forKey: .handshakeTimeout)
        idleTimeout = try container.decodeIfPresent(Duration.self, forKey: .idleTimeout)
        listener = try ListenerSettings(from: decoder)
        security = try ListenerSecuritySettings(from: decoder)
    }
}
