package import MQTTCodec

/// What all scenarios need to know of the broker and of the messages.
package struct LoadSettings: Sendable {
    package var host = "127.0.0.1"
    package var port = 1883
    package var userName: String?
    package var password: String?
    /// The broker's process, when its processor time and memory are to be measured.
    package var broker: BrokerProcess?
    package var version = ProtocolVersion.v5
    package var qos = QoS.atMostOnce
    /// Octets of each payload, at least 24.
    package var payloadOctets = 64
    package var extent = Extent.time(warmUp: .seconds(1), measured: .seconds(5))
    /// First level of every topic, and beginning of every client id.
    package var prefix = "bench"
    /// Time without any arrival after which a run gives up.
    package var patience = Duration.seconds(15)

    package init() {}

    /// How long a run lasts.
    package enum Extent: Sendable, Equatable {
        /// Messages flow for `warmUp`, then are measured.
        case time(warmUp: Duration, measured: Duration)
        /// That many messages in all, the first and the last included.
        case messages(Int)
    }
}

extension Duration {
    var nanoseconds: UInt64 {
        UInt64(max(0, components.seconds)) * 1_000_000_000 + UInt64(max(0, components.attoseconds / 1_000_000_000))
    }
}

extension ProtocolVersion {
    /// As people write it.
    package var name: String {
        switch self {
        case .v31: "3.1"
        case .v311: "3.1.1"
        case .v5: "5"
        }
    }
}
