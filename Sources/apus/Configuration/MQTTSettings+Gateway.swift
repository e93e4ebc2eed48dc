import MQTTServer
import Settings
import Transport

extension MQTTSettings {
    var configuration: MQTTConfiguration {
        var configuration = MQTTConfiguration()
        configuration.listeners = listeners
        configuration.maximumPacketSize = maxPacketSize.bytes
        configuration.connectTimeout = connectTimeout
        configuration.maximumConnections = maxConnections.value
        configuration.receiveMaximum = UInt16(receiveMaximum.value)
        configuration.topicAliasMaximum = UInt16(topicAliasMaximum.value)
        return configuration
    }

    /// One for each address of each listener that is enabled.
    private var listeners: [MQTTConfiguration.Listener] {
        var listeners: [MQTTConfiguration.Listener] = []
        for address in tcp.enabled ? tcp.address.list : [] {
            let place = ListenPlace.internet(ListenAddress(address: address, port: tcp.port.value))
            var listener = MQTTConfiguration.Listener(name: "mqtt.tcp", place: place)
            listener.expectsProxyHeader = tcp.proxyProtocol
            listener.apply(tcp.limits)
            listeners.append(listener)
        }
        if unix.enabled {
            let file = UnixSocketFile(path: unix.path, mode: unix.mode.bits)
            var listener = MQTTConfiguration.Listener(name: "mqtt.unix", place: .unix(file))
            listener.apply(unix.limits)
            listeners.append(listener)
        }
        return listeners
    }
}

extension MQTTConfiguration.Listener {
    fileprivate mutating func apply(_ limits: MQTTListenerLimits) {
        maximumConnections = limits.maxConnections?.value
        maximumPacketSize = limits.maxPacketSize?.bytes
        connectTimeout = limits.connectTimeout
    }
}
