import MQTTServer
import Messaging
import Settings
import Transport

extension MQTTSettings {
    /// - Parameter tls: the server's side of TLS for each listener that speaks it, by name.
    func configuration(tls servers: [String: TLSServer]) -> MQTTConfiguration {
        var configuration = MQTTConfiguration()
        configuration.listeners = listeners(tls: servers)
        configuration.maximumPacketSize = maxPacketSize.bytes
        configuration.maximumUnfinished = maxUnfinished.bytes
        configuration.connectTimeout = connectTimeout
        configuration.maximumConnections = maxConnections.value
        configuration.connectionsPerLoop = connectionsPerLoop.value
        configuration.receiveMaximum = UInt16(receiveMaximum.value)
        configuration.enforcesReceiveMaximum = enforceReceiveMaximum
        configuration.windowBefore5 = inflightWindow.value
        configuration.topicAliasMaximum = UInt16(topicAliasMaximum.value)
        configuration.outgoingTopicAliases = UInt16(outgoingTopicAliases.value)
        configuration.maximumKeepAlive = UInt16(clamping: maxKeepAlive?.components.seconds ?? 0)
        configuration.validatesPayloadFormat = validatePayloadFormat
        configuration.responseInformation = responseInformation
        configuration.redirection = redirect.to.map { Redirection(reference: $0, isPermanent: redirect.permanent) }
        configuration.capabilities = capabilities
        return configuration
    }

    private var capabilities: Capabilities {
        var capabilities = Capabilities()
        capabilities.maximumQoS = QoS(rawValue: UInt8(maxQoS.value)) ?? .exactlyOnce
        capabilities.retain = retain
        capabilities.wildcardSubscriptions = wildcardSubscriptions
        capabilities.subscriptionIdentifiers = subscriptionIdentifiers
        capabilities.sharedSubscriptions = sharedSubscriptions
        return capabilities
    }

    /// One for each address of each listener that is enabled.
    private func listeners(tls servers: [String: TLSServer]) -> [MQTTConfiguration.Listener] {
        var listeners = tcp.each("mqtt.tcp")
        listeners += tls.listener.each("mqtt.tls").map { $0.speaking(tls.security, servers) }
        listeners += webSockets(ws, "mqtt.ws")
        listeners += webSockets(wss.webSocket, "mqtt.wss").map { $0.speaking(wss.security, servers) }
        if unix.enabled { listeners.append(unix.listener("mqtt.unix")) }
        return listeners
    }

    private func webSockets(_ settings: MQTTWebSocketSettings, _ name: String) -> [MQTTConfiguration.Listener] {
        settings.listener.each(name).map { listener in
            var listener = listener
            listener.webSocket = settings.settings(packetSize: listener.maximumPacketSize ?? maxPacketSize.bytes)
            return listener
        }
    }
}

extension MQTTListenerSettings {
    /// None when it is not enabled.
    fileprivate func each(_ name: String) -> [MQTTConfiguration.Listener] {
        guard enabled else { return [] }
        return address.list.map { address in
            let place = ListenPlace.internet(ListenAddress(address: address, port: port.value))
            var listener = MQTTConfiguration.Listener(name: name, place: place)
            listener.expectsProxyHeader = proxyProtocol
            listener.apply(limits)
            return listener
        }
    }
}

extension MQTTWebSocketSettings {
    fileprivate func settings(packetSize: Int) -> WebSocketSettings {
        // MQTT-6.0.0-3; 3.1 had a subprotocol of its own.
        var settings = WebSocketSettings(path: path, subprotocols: ["mqtt", "mqttv3.1"])
        settings.origins = origins
        settings.frameLimit = maxFrameSize?.bytes ?? packetSize
        return settings
    }
}

extension MQTTUnixSettings {
    fileprivate func listener(_ name: String) -> MQTTConfiguration.Listener {
        let file = UnixSocketFile(path: path, mode: mode.bits)
        var listener = MQTTConfiguration.Listener(name: name, place: .unix(file))
        listener.apply(limits)
        return listener
    }
}

extension MQTTConfiguration.Listener {
    fileprivate func speaking(_ settings: ListenerSecuritySettings, _ servers: [String: TLSServer]) -> Self {
        var listener = self
        listener.tls = servers[name]
        listener.identityRules = settings.identityRules
        return listener
    }

    fileprivate mutating func apply(_ limits: MQTTListenerLimits) {
        maximumConnections = limits.maxConnections?.value
        maximumPacketSize = limits.maxPacketSize?.bytes
        connectTimeout = limits.connectTimeout
    }
}
