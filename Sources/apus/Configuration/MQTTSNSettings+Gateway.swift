import MQTTSN
import Settings

extension MQTTSNSettings {
    var gatewaySettings: MQTTSN.MQTTSNSettings {
        var gateway = MQTTSN.MQTTSNSettings()
        gateway.address = udp.address
        gateway.port = udp.port.value
        gateway.gatewayID = UInt8(gatewayID.value)
        gateway.retryInterval = retryInterval
        gateway.retryCount = retryCount.value
        gateway.sessionExpiry = sessionExpiry
        gateway.allowsConnectionlessPublish = connectionlessPublish
        gateway.roaming =
            switch roaming {
            case .none: .none
            case .port: .port
            case .address: .address
            }
        return gateway
    }
}
