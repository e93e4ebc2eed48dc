import MQTTServer
import Settings

extension MQTTSettings {
    var configuration: MQTTConfiguration {
        var configuration = MQTTConfiguration()
        configuration.listeners = [
            MQTTConfiguration.Listener(name: "mqtt.tcp", address: tcp.address, port: tcp.port.value)
        ]
        configuration.maximumPacketSize = maxPacketSize.bytes
        configuration.connectTimeout = connectTimeout
        configuration.maximumConnections = maxConnections.value
        configuration.receiveMaximum = UInt16(receiveMaximum.value)
        configuration.topicAliasMaximum = UInt16(topicAliasMaximum.value)
        return configuration
    }
}
