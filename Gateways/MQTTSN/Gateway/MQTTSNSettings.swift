package import Messaging
package import Transport

/// What an operator can set, filled in by the composition root.
package struct MQTTSNSettings: Sendable {
    /// Numeric address to listen on. `0.0.0.0` and `::` listen on every address of the machine, answering each client
    /// from the address it asked.
    package var address = "127.0.0.1"
    /// Serve clients without protection at `address` and `port`.
    package var isPlainEnabled = true
    /// Serve clients over DTLS 1.2, too; nil for no such listener.
    package var dtls: DTLSListener?
    /// UDP port, 0 for one the system chooses.
    package var port = 1884
    /// GwId in GWINFO and ADVERTISE, 0...255.
    package var gatewayID: UInt8 = 1
    /// Time between two sendings of an unanswered request (T_RETRY).
    package var retryInterval = Duration.seconds(10)
    /// Repetitions before a client counts as lost (N_RETRY).
    package var retryCount = 4
    /// Silence allowed beyond keep alive and sleep durations above 60 s, in percent.
    package var longTolerancePercent = 10
    /// The same for durations up to 60 s.
    package var shortTolerancePercent = 50
    /// Longest client id in octets: 23 is the standard's limit, many clients go beyond.
    package var maximumClientIDLength = 64
    /// Largest message in either direction, in octets, 60...65,535. The default never makes IPv4 fragment.
    package var maximumPacketSize = 1472
    /// Octets behind the end of a message are ignored instead of making it malformed.
    package var toleratesTrailingOctets = false
    /// Serve clients of the draft of 2.0 beside those of 1.2.
    package var speaksDraft = false
    /// Peers without connection are taken for ones of 2.0 where a datagram could be of either version.
    package var strangersSpeakDraft = false
    /// Publishing without connection (QoS -1 and PUBWOS).
    package var allowsConnectionlessPublish = true
    /// Longest sleep supervised, in seconds; longer announcements are held to it.
    package var maximumSleep = UInt16.max
    /// Messages sent in one waking; nil for no bound.
    package var messagesPerWake: Int?
    /// How long the session of a client without CleanSession outlives its connection; nil for ever.
    package var sessionExpiry: Duration? = .seconds(7 * 86_400)
    /// Whether a sleeping client may wake from another address.
    package var roaming = Roaming.port
    /// What waits for one client at most, and what gives way; nil for the broker's limits.
    package var mailbox: MailboxLimits?
    /// Considerations for the clients of this listener, and for those of a pattern.
    package var profile = DeviceProfile.standard
    package var profilesByClient = ClientTable<DeviceProfile>()
    /// Topic ids that only the clients of a pattern know beforehand; they go before the broker's.
    package var predefinedTopicsByClient = ClientTable<PredefinedTopics>()
    /// Numeric addresses of the forwarders that may forward, trusted with the ids of their nodes; nil for anybody, with
    /// nodes tied to the address they came by.
    package var forwarders: [String]?
    /// Datagrams per second from one host without connection; twice as many at once. 0 for no limit.
    package var strangersPerSecond = 1_000
    /// Publish the state of each client under `$SYS/broker/mqttsn/clients/`.
    package var publishesClientStatus = true
    /// Clients in the middle of CONNECT at most.
    package var maximumHandshakes = 1_000
    /// Seconds between two ADVERTISEs, nil for none.
    package var advertiseInterval: UInt16?
    /// Numeric address ADVERTISE is sent to, on the listener's port.
    package var advertiseAddress = "255.255.255.255"
    /// Numeric multicast address in which clients search for gateways: joined, and ADVERTISE goes there too; nil for none.
    package var discoveryGroup: String?
    /// Name of the interface the group is joined on; nil leaves it to the system.
    package var discoveryInterface: String?

    /// From where a sleeping client may wake (MQTT-SN 6.14). Active clients stay where they connected.
    package enum Roaming: String, Sendable, CaseIterable {
        /// Only from the address and port it fell asleep on.
        case none
        /// From another port of the same address: what a NAT does during a sleep.
        case port
        /// Only who proves its client id by DTLS, and from anywhere. All but `none` let such a client move.
        case authenticated
        /// From anywhere. Whoever knows a client id gets its messages: for closed networks only.
        case address
    }

    /// A UDP socket whose datagrams are protected (RFC 6347).
    package struct DTLSListener: Sendable {
        /// Numeric, as `MQTTSNSettings.address`.
        package var address = "127.0.0.1"
        /// UDP port, 0 for one the system chooses.
        package var port = 8884
        package var limits = DTLSLimits()
        /// What a certificate or a pre-shared key says about its client.
        package var identityRules = IdentityRules()
        /// Certificate and keys.
        package let server: DTLSServer

        package init(_ server: DTLSServer) { self.server = server }
    }

    package init() {}

    var limits: Limits {
        Limits(maximumPacketSize: packetSize, toleratesTrailingOctets: toleratesTrailingOctets)
    }

    /// Octets every link carries: ZigBee's 60 (MQTT-SN 3).
    static let leastPacketSize = 60

    private var packetSize: Int { min(max(maximumPacketSize, Self.leastPacketSize), Packet.maximumEncodedLength) }
}
