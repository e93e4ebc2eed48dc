import MQTTSN
import Messaging
import NIOCore
import Settings
import Transport

extension MQTTSNSettings {
    /// - Parameters:
    ///   - mailbox: the limits of other clients, from which those of MQTT-SN differ in what waits for a sleeper.
    ///   - clientTopics: checked, by client id pattern.
    ///   - dtlsServer: certificate and keys of `dtls`; nil when that is not enabled.
    func gatewaySettings(
        mailbox: MailboxLimits, clientTopics: [String: PredefinedTopics], dtlsServer: DTLSServer?
    ) -> MQTTSN.MQTTSNSettings {
        var gateway = MQTTSN.MQTTSNSettings()
        gateway.address = udp.address
        gateway.port = udp.port.value
        gateway.isPlainEnabled = udp.enabled
        gateway.dtls = dtlsServer.map { dtls.gatewayListener($0) }
        gateway.gatewayID = UInt8(gatewayID.value)
        gateway.retryInterval = retryInterval
        gateway.retryCount = retryCount.value
        gateway.longTolerancePercent = longTolerance.value
        gateway.shortTolerancePercent = shortTolerance.value
        gateway.maximumClientIDLength = maxClientID.value
        gateway.maximumPacketSize = maxPacketSize.value
        gateway.toleratesTrailingOctets = toleratesTail
        gateway.sessionExpiry = sessionExpiry
        gateway.roaming = roaming.gatewayRoaming
        gateway.forwarders = forwarders
        gateway.allowsConnectionlessPublish = connectionlessPublish
        gateway.maximumHandshakes = maxHandshakes.value
        gateway.strangersPerSecond = strangersPerSecond.value
        gateway.publishesClientStatus = clientStatus
        gateway.speaksDraft = version2Draft
        gateway.strangersSpeakDraft = version2Strangers
        gateway.profile = profile.deviceProfile
        gateway.profilesByClient = ClientTable(profiles.mapValues(\.deviceProfile))
        gateway.predefinedTopicsByClient = ClientTable(clientTopics)
        gateway.maximumSleep = UInt16(sleep.maxDuration.value)
        gateway.messagesPerWake = sleep.messagesPerWake?.value
        gateway.mailbox = sleep.limits(mailbox)
        gateway.advertiseInterval = advertise.interval.map { UInt16($0.value) }
        gateway.advertiseAddress = advertise.address
        gateway.discoveryGroup = advertise.group
        gateway.discoveryInterface = advertise.interface
        return gateway
    }
}

extension DTLSListenerSettings {
    fileprivate func gatewayListener(_ server: DTLSServer) -> MQTTSN.MQTTSNSettings.DTLSListener {
        var gateway = MQTTSN.MQTTSNSettings.DTLSListener(server)
        gateway.address = listener.address
        gateway.port = listener.port.value
        gateway.identityRules = security.identityRules
        gateway.limits.handshakes = maxHandshakes.value
        gateway.limits.sessions = maxSessions.value
        gateway.limits.handshakeTimeout = .nanoseconds(handshakeTimeout.wholeNanoseconds)
        gateway.limits.idleTimeout = idleTimeout.map { .nanoseconds($0.wholeNanoseconds) }
        return gateway
    }
}

extension MQTTSNSettings.Sleep {
    fileprivate func limits(_ mailbox: MailboxLimits) -> MailboxLimits {
        var limits = mailbox
        limits.offlineMessages = messages.value
        limits.octets = octets.bytes
        limits.policy = policy.policy
        limits.timeToLive = timeToLive
        return limits
    }
}

extension MQTTSNSettings.Roaming {
    fileprivate var gatewayRoaming: MQTTSN.MQTTSNSettings.Roaming {
        switch self {
        case .none: .none
        case .authenticated: .authenticated
        case .port: .port
        case .address: .address
        }
    }
}

extension MQTTSNSettings.Profile {
    fileprivate var deviceProfile: DeviceProfile {
        switch self {
        case .standard: .standard
        case .emcute: .emcute
        case .asymcute: .asymcute
        case .zephyr: .zephyr
        case .contiki: .contiki
        case .paho: .paho
        }
    }
}
