import Glibc
import Messaging
import Settings

/// What no single value can tell: rules between keys. Configuration fails closed.
extension Configuration {
    func check() throws(SettingsError) {
        for listener in listeners where listener.isEnabled {
            for address in listener.addresses { try checkExposure(of: address, listener) }
        }
        try checkMQTTListeners()
        try checkAdmin()
        try checkAccess()
        _ = try features()
        try checkRanges()
        _ = try predefinedTopics()
        _ = try durabilityPolicy()
        _ = try clientTopics()
        try checkMQTTSN()
        guard !settings.lwm2m.enabled || settings.coap.udp.enabled else {
            throw problem(
                "lwm2m.enabled",
                "is true, but LwM2M devices come in by the CoAP port, which coap.udp.enabled switches off",
                remedy: "set lwm2m.enabled: false, or coap.udp.enabled: true")
        }
    }

    /// One listener, by the section its keys stand in.
    struct ListenerEntry {
        let key: String
        let isEnabled: Bool
        let addresses: [String]
        /// Clients can prove who they are by the connection itself.
        var provesClients = false
    }

    var listeners: [ListenerEntry] {
        let mqtt = settings.mqtt
        let streams: [(String, MQTTListenerSettings, ListenerSecuritySettings?)] = [
            ("mqtt.tcp", mqtt.tcp, nil), ("mqtt.tls", mqtt.tls.listener, mqtt.tls.security),
            ("mqtt.ws", mqtt.ws.listener, nil), ("mqtt.wss", mqtt.wss.webSocket.listener, mqtt.wss.security),
        ]
        let udp = [("mqttsn.udp", settings.mqttsn.udp), ("coap.udp", settings.coap.udp)]
        return streams.map { key, listener, security in
            ListenerEntry(
                key: key, isEnabled: listener.enabled, addresses: listener.address.list,
                provesClients: security?.provesClients ?? false)
        } + [ListenerEntry(key: "mqtt.unix", isEnabled: mqtt.unix.enabled, addresses: [])]
            + udp.map { ListenerEntry(key: $0.0, isEnabled: $0.1.enabled, addresses: [$0.1.address]) }
            + [
                ListenerEntry(
                    key: "mqttsn.dtls", isEnabled: settings.mqttsn.dtls.listener.enabled,
                    addresses: [settings.mqttsn.dtls.listener.address],
                    provesClients: settings.mqttsn.dtls.security.provesClients)
            ]
    }

    /// What may be said for one listener alone follows the rules of what is said for all.
    private func checkMQTTListeners() throws(SettingsError) {
        try check(settings.mqtt.tcp.limits, of: "mqtt.tcp")
        try check(settings.mqtt.tls.listener.limits, of: "mqtt.tls")
        try check(settings.mqtt.ws, of: "mqtt.ws")
        try check(settings.mqtt.wss.webSocket, of: "mqtt.wss")
        try check(settings.mqtt.unix.limits, of: "mqtt.unix")
        _ = try tlsServers()
        _ = try dtlsServer()
        guard settings.mqtt.unix.path.hasPrefix("/") else {
            throw problem("mqtt.unix.path", "is not an absolute path", remedy: "begin it with /")
        }
    }

    private func check(_ webSocket: MQTTWebSocketSettings, of listener: String) throws(SettingsError) {
        try check(webSocket.listener.limits, of: listener)
        if let size = webSocket.maxFrameSize { try checkPacketSize("\(listener).max_frame_size", size) }
        guard webSocket.path.hasPrefix("/") else {
            throw problem("\(listener).path", "is not the path of a URL", remedy: "begin it with /")
        }
    }

    private func check(_ limits: MQTTListenerLimits, of listener: String) throws(SettingsError) {
        if let size = limits.maxPacketSize { try checkPacketSize("\(listener).max_packet_size", size) }
        if let timeout = limits.connectTimeout { try checkConnectTimeout("\(listener).connect_timeout", timeout) }
    }

    private func checkPacketSize(_ key: String, _ size: ByteSize) throws(SettingsError) {
        try check(key, size.bytes, in: 1 << 10...1 << 28, "from 1KB to 256MB")
    }

    private func checkConnectTimeout(_ key: String, _ timeout: Duration) throws(SettingsError) {
        try check(key, timeout, in: .seconds(1)...(.seconds(300)), "from 1s to 5m")
    }

    /// The operators' listener knows no passwords, so those of clients do not open it.
    private func checkAdmin() throws(SettingsError) {
        let http = settings.admin.http
        try check("admin.http.timeout", http.timeout, in: .seconds(1)...(.seconds(300)), "from 1s to 5m")
        guard http.enabled else { return }
        try checkNumeric(http.address, key: "admin.http")
        guard !isLoopback(http.address), !http.allowRemote else { return }
        throw problem(
            "admin.http.address",
            "is \(http.address), which other machines can reach, and nobody has to prove who they are there",
            remedy: "use 127.0.0.1, or set admin.http.allow_remote: true if that is what you want")
    }

    private func checkNumeric(_ address: String, key: String) throws(SettingsError) {
        guard !isNumeric(address) else { return }
        throw problem(
            "\(key).address", "is \"\(address)\", which is not a numeric address",
            remedy: "write 127.0.0.1, ::1, or 0.0.0.0 for every address of this machine")
    }

    /// An address other machines reach needs the operator's word that nobody has to prove who he is.
    private func checkExposure(of address: String, _ listener: ListenerEntry) throws(SettingsError) {
        try checkNumeric(address, key: listener.key)
        let canProve = settings.access.passwordFile != nil || listener.provesClients
        guard !isLoopback(address), !settings.allowAnonymous, !canProve else { return }
        throw problem(
            "\(listener.key).address",
            "is \(address), which other machines can reach, and nobody has to prove who they are there",
            remedy:
                "use 127.0.0.1, name a file in access.password_file, or set allow_anonymous: true if that is what you want"
        )
    }

    /// A name is not looked up: what it means may change.
    private func isNumeric(_ address: String) -> Bool {
        var four = in_addr()
        var six = in6_addr()
        return inet_pton(AF_INET, address, &four) == 1 || inet_pton(AF_INET6, address, &six) == 1
    }

    /// 127.0.0.0/8 (RFC 1122 3.2.1.3) and ::1 (RFC 4291 2.5.3).
    private func isLoopback(_ address: String) -> Bool {
        var four = in_addr()
        if inet_pton(AF_INET, address, &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
        return address == "::1"
    }

    private func checkRanges() throws(SettingsError) {
        try checkPacketSize("mqtt.max_packet_size", settings.mqtt.maxPacketSize)
        try check("mqtt.max_unfinished", settings.mqtt.maxUnfinished.bytes, in: 1 << 20...Int.max, "of at least 1MB")
        if let memory = settings.limits.memory {
            try check("limits.memory", memory.bytes, in: 32 << 20...Int.max, "of at least 32MB")
        }
        try check("limits.payload", settings.limits.payload.bytes, in: 1...1 << 28, "up to 256MB")
        try check(
            "limits.mailbox.octets", settings.limits.mailbox.octets.bytes, in: 1 << 10...Int.max, "of at least 1KB")
        try checkConnectTimeout("mqtt.connect_timeout", settings.mqtt.connectTimeout)
        if let keepAlive = settings.mqtt.maxKeepAlive {
            try check("mqtt.max_keep_alive", keepAlive, in: .seconds(1)...(.seconds(65_535)), "from 1s to 65535s")
        }
        try checkTexts()
        try check(
            "mqttsn.retry_interval", settings.mqttsn.retryInterval, in: .milliseconds(100)...(.seconds(300)),
            "from 100ms to 5m")
        try check(
            "mqttsn.dtls.handshake_timeout", settings.mqttsn.dtls.handshakeTimeout, in: .seconds(1)...(.seconds(600)),
            "from 1s to 10m")
        if let idle = settings.mqttsn.dtls.idleTimeout {
            try check("mqttsn.dtls.idle_timeout", idle, in: .seconds(1)...(.seconds(366 * 86_400)), "from 1s to 366d")
        }
        try check("mqttsn.sleep.octets", settings.mqttsn.sleep.octets.bytes, in: 64...Int.max, "of at least 64")
        try check("lwm2m.awake_time", settings.lwm2m.awakeTime, in: .seconds(1)...(.seconds(3600)), "from 1s to 1h")
        try check(
            "lwm2m.request_timeout", settings.lwm2m.requestTimeout, in: .seconds(1)...(.seconds(600)), "from 1s to 10m")
        try check("store.linger", settings.store.linger, in: .zero...(.milliseconds(100)), "up to 100ms")
        if let size = settings.store.maxSize {
            try check("store.max_size", size.bytes, in: 1 << 20...Int.max, "of at least 1MB")
        }
        try check("sys_interval", settings.sysInterval, in: .milliseconds(100)...(.seconds(86_400)), "from 100ms to 1d")
        try check("shutdown_timeout", settings.shutdownTimeout, in: .zero...(.seconds(300)), "up to 5m")
    }

    /// What goes into packets as a string has at most 65,535 bytes there and is not empty.
    private func checkTexts() throws(SettingsError) {
        for (key, text) in [
            ("mqtt.response_information", settings.mqtt.responseInformation),
            ("mqtt.redirect.to", settings.mqtt.redirect.to),
        ] {
            guard let text, !(1...256).contains(text.utf8.count) else { continue }
            throw problem(key, "has \(text.utf8.count) characters", remedy: "use 1 to 256, or null for none")
        }
    }

    private func check<T: Comparable>(
        _ key: String, _ value: T, in range: ClosedRange<T>, _ words: String
    ) throws(SettingsError) {
        guard !range.contains(value) else { return }
        throw problem(key, "is out of range", remedy: "it needs a value \(words)")
    }

    /// The topic ids of `mqttsn.predefined_topics`, each id and each topic once.
    func predefinedTopics() throws(SettingsError) -> PredefinedTopics {
        try topics(settings.mqttsn.predefinedTopics, "mqttsn.predefined_topics")
    }

    /// Those of `mqttsn.client_topics`, by client id pattern.
    func clientTopics() throws(SettingsError) -> [String: PredefinedTopics] {
        var topics: [String: PredefinedTopics] = [:]
        for (pattern, names) in settings.mqttsn.clientTopics.sorted(by: { $0.key < $1.key }) {
            topics[pattern] = try self.topics(names, "mqttsn.client_topics.\(pattern)")
        }
        return topics
    }

    private func topics(_ names: [String: String], _ section: String) throws(SettingsError) -> PredefinedTopics {
        var topics = PredefinedTopics()
        for (text, name) in names.sorted(by: { $0.key < $1.key }) {
            let key = "\(section).\(text)"
            guard let id = UInt16(text), id != 0, id != .max else {
                throw problem(key, "is not a topic id", remedy: "use a whole number from 1 to 65534")
            }
            let topic: TopicName
            do {
                topic = try TopicName(name)
            } catch {
                throw problem(key, "is \"\(name)\", which is not a topic name", remedy: "use a name without + and #")
            }
            guard topics.insert(id, topic) else {
                throw problem(key, "repeats a topic id or a topic", remedy: "give each topic one id")
            }
        }
        return topics
    }

    private func checkMQTTSN() throws(SettingsError) {
        guard !settings.mqttsn.version2Strangers || settings.mqttsn.version2Draft else {
            throw problem(
                "mqttsn.version_2_strangers", "is true, but version 2.0 is not spoken at all",
                remedy: "set mqttsn.version_2_draft: true, or this to false")
        }
        for (index, address) in (settings.mqttsn.forwarders ?? []).enumerated() where !isNumericAddress(address) {
            throw problem(
                "mqttsn.forwarders.\(index)", "is \"\(address)\", which is not an IP address",
                remedy: "use a numeric IPv4 or IPv6 address")
        }
    }

    private func isNumericAddress(_ text: String) -> Bool {
        var four = in_addr()
        var six = in6_addr()
        return inet_pton(AF_INET, text, &four) == 1 || inet_pton(AF_INET6, text, &six) == 1
    }

    func problem(_ key: String, _ sentence: String, remedy: String) -> SettingsError {
        SettingsError(key: key, problem: sentence, origin: origin(of: key), remedy: remedy)
    }
}
