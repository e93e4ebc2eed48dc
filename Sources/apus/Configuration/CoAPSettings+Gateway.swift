import CoAP
import Settings

extension CoAPSettings {
    func configuration(_ limits: LimitSettings) -> CoAPServer.Configuration {
        var configuration = CoAPServer.Configuration()
        configuration.listener = "coap.udp"
        configuration.address = udp.address
        configuration.port = udp.port.value
        configuration.limits.bodyOctets = limits.payload.bytes
        return configuration
    }
}
