/// What a client has to say to be let in, for the commands that the start-up shows.
extension Configuration {
    /// Options of mosquitto_sub and `apus sub` by the listener's name, each with a space before it.
    var clientOptions: [String: String] {
        let mqtt = settings.mqtt
        let secure = [("mqtt.tls", mqtt.tls.security), ("mqtt.wss", mqtt.wss.security)]
        var options = Dictionary(
            uniqueKeysWithValues: ["mqtt.tcp", "mqtt.ws", "mqtt.unix"].map { ($0, loginOptions($0)) })
        for (name, security) in secure {
            options[name] = security.clientOptions + (security.provesClients ? "" : loginOptions(name))
        }
        return options
    }

    private func loginOptions(_ listener: String) -> String {
        let access = settings.access
        let asks =
            access.passwordFile != nil && !settings.allowAnonymous && !access.anonymousListeners.contains(listener)
        return asks ? " -u USER -P PASSWORD" : ""
    }
}

extension ListenerSecuritySettings {
    fileprivate var clientOptions: String {
        guard pskFile == nil else { return " --psk-identity IDENTITY --psk KEY-IN-HEX" }
        let authority = " --cafile CA-OF-THE-CERTIFICATE"
        return clientCertificate == .required ? authority + " --cert CERTIFICATE --key ITS-KEY" : authority
    }
}
