import MQTTServer
import Settings
import Transport

/// TLS: which files a listener uses, and whether they are right.
extension Configuration {
    /// Reads the files of every listener that speaks TLS and is enabled.
    /// - Throws: the first thing that is not right, so that nothing is served with less protection than was asked for.
    func tlsServers() throws(SettingsError) -> [String: TLSServer] {
        var servers: [String: TLSServer] = [:]
        let tls = settings.mqtt.tls, wss = settings.mqtt.wss
        if tls.listener.enabled { servers["mqtt.tls"] = try tlsServer(tls.security, "mqtt.tls") }
        if wss.webSocket.listener.enabled { servers["mqtt.wss"] = try tlsServer(wss.security, "mqtt.wss") }
        return servers
    }

    private func tlsServer(_ security: ListenerSecuritySettings, _ listener: String) throws(SettingsError) -> TLSServer
    {
        let tlsSettings = tlsSettings(security)
        try check(security, tlsSettings, listener)
        return try reading(security, listener) { () throws(TLSFileError) in try TLSServer(tlsSettings) }
    }

    /// DTLS for MQTT-SN; nil when that is not enabled. The oldest version of TLS says nothing about it: it is always 1.2.
    func dtlsServer() throws(SettingsError) -> DTLSServer? {
        let listener = "mqttsn.dtls", dtls = settings.mqttsn.dtls
        guard dtls.listener.enabled else { return nil }
        var files = tlsSettings(dtls.security)
        files.minimumVersion = .tls12
        try check(dtls.security, files, listener)
        return try reading(dtls.security, listener) { () throws(TLSFileError) in try DTLSServer(files) }
    }

    /// Says which key names a file that is not right.
    private func reading<Files>(
        _ security: ListenerSecuritySettings, _ listener: String, _ read: () throws(TLSFileError) -> Files
    ) throws(SettingsError) -> Files {
        do throws(TLSFileError) {
            return try read()
        } catch {
            let key = key(of: error.kind, security, listener)
            throw problem(key, "names a file that is not right, \(error.place): \(error.problem)", remedy: error.remedy)
        }
    }

    /// The listener's own files, else those of all. A certificate and its key come from the same place.
    private func tlsSettings(_ security: ListenerSecuritySettings) -> TLSSettings {
        let own = security.files, shared = settings.tls
        let hasOwn = own.certificateFile != nil || own.keyFile != nil
        var tls = TLSSettings()
        tls.minimumVersion = (own.minVersion ?? shared.minVersion) == .tls13 ? .tls13 : .tls12
        guard security.pskFile == nil else {
            tls.preSharedKeyFile = security.pskFile
            return tls
        }
        tls.certificateFile = hasOwn ? own.certificateFile : shared.certificateFile
        tls.keyFile = hasOwn ? own.keyFile : shared.keyFile
        tls.authoritiesFile = own.clientCAFile ?? shared.clientCAFile
        tls.clientCertificate =
            switch security.clientCertificate {
            case .none: .none
            case .optional: .optional
            case .required: .required
            }
        return tls
    }

    private func check(
        _ security: ListenerSecuritySettings, _ tls: TLSSettings, _ listener: String
    ) throws(SettingsError) {
        if security.pskFile != nil { return try checkKeys(security, tls, listener) }
        guard !security.pskUserName else {
            throw problem(
                "\(listener).psk_username", "is true, but there is no psk_file", remedy: "set \(listener).psk_file")
        }
        if tls.certificateFile == nil, tls.keyFile == nil {
            throw problem(
                "\(listener).enabled", "is true, but there is no certificate",
                remedy:
                    "set tls.certificate_file and tls.key_file (make certs mints a pair to try), or \(listener).psk_file"
            )
        }
        guard tls.certificateFile != nil, tls.keyFile != nil else {
            let section = sectionOfCertificate(security, listener)
            let (there, missing) = tls.keyFile == nil ? ("certificate", "key") : ("key", "certificate")
            throw problem(
                "\(section).\(there)_file", "is set, but \(section).\(missing)_file is not", remedy: "set both")
        }
        if tls.clientCertificate != .none, tls.authoritiesFile == nil {
            throw problem(
                "\(listener).client_certificate",
                "is \(security.clientCertificate.rawValue), but no CA is named for them",
                remedy: "set tls.client_ca_file")
        }
        for (name, key) in [(security.certificateUserName, "username"), (security.certificateClientID, "client_id")]
        where name != .none && tls.clientCertificate == .none {
            throw problem(
                "\(listener).certificate_\(key)", "is \(name.rawValue), but clients are not asked for a certificate",
                remedy: "set \(listener).client_certificate to optional or required")
        }
    }

    /// Pre-shared keys stand in place of certificates.
    private func checkKeys(
        _ security: ListenerSecuritySettings, _ tls: TLSSettings, _ listener: String
    ) throws(SettingsError) {
        let key = "\(listener).psk_file"
        guard tls.minimumVersion == .tls12 else {
            throw problem(
                key, "is set, and pre-shared keys go with TLS 1.2 only, which min_version excludes",
                remedy: "set \(listener).min_version to 1.2, or psk_file to null")
        }
        guard !security.asksForCertificates else {
            throw problem(
                key, "is set, and so are certificates, but a listener goes by one or the other",
                remedy: "leave out its certificate_… and client_… keys, or set psk_file to null")
        }
    }

    /// Where the certificate of a listener stands.
    private func sectionOfCertificate(_ security: ListenerSecuritySettings, _ listener: String) -> String {
        security.files.certificateFile != nil || security.files.keyFile != nil ? listener : "tls"
    }

    private func key(
        of kind: TLSFileError.Kind, _ security: ListenerSecuritySettings, _ listener: String
    ) -> String {
        switch kind {
        case .certificate: "\(sectionOfCertificate(security, listener)).certificate_file"
        case .key: "\(sectionOfCertificate(security, listener)).key_file"
        case .authorities: "\(security.files.clientCAFile == nil ? "tls" : listener).client_ca_file"
        case .preSharedKeys: "\(listener).psk_file"
        }
    }
}

extension ListenerSecuritySettings {
    var identityRules: IdentityRules {
        var rules = IdentityRules()
        rules.certificateUserName = certificateUserName.rule
        rules.certificateClientIdentifier = certificateClientID.rule
        rules.usesPreSharedKeyIdentity = pskUserName
        rules.bindsClientIdentifierToPreSharedKey = pskClientID
        return rules
    }
}

extension ListenerSecuritySettings.Name {
    fileprivate var rule: IdentityRules.Name? {
        switch self {
        case .none: nil
        case .cn: .commonName
        case .dns: .dns
        case .uri: .uri
        case .email: .email
        }
    }
}
