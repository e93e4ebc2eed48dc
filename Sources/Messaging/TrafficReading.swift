/// What came in and went out by one listener since the start.
public struct TrafficReading: Sendable, Equatable {
    /// Application messages by QoS, and their octets (`Message.octets`).
    public struct Volume: Sendable, Equatable {
        @usableFromInline var atMostOnce: UInt64 = 0
        @usableFromInline var atLeastOnce: UInt64 = 0
        @usableFromInline var exactlyOnce: UInt64 = 0
        public var octets: UInt64 = 0

        public init() {}

        public subscript(qos: QoS) -> UInt64 {
            get {
                switch qos {
                case .atMostOnce: atMostOnce
                case .atLeastOnce: atLeastOnce
                case .exactlyOnce: exactlyOnce
                }
            }
            set {
                switch qos {
                case .atMostOnce: atMostOnce = newValue
                case .atLeastOnce: atLeastOnce = newValue
                case .exactlyOnce: exactlyOnce = newValue
                }
            }
        }

        public var messages: UInt64 { QoS.allCases.reduce(0) { $0 + self[$1] } }

        @inlinable
        public mutating func add(_ octets: Int, qos: QoS) {
            switch qos {
            case .atMostOnce: atMostOnce += 1
            case .atLeastOnce: atLeastOnce += 1
            case .exactlyOnce: exactlyOnce += 1
            }
            self.octets += UInt64(octets)
        }
    }

    /// The listener of what the product says about itself.
    public static let ownListener = "sys"

    /// As in the settings, `mqtt.tcp`; `lwm2m` for its devices, and `ownListener`.
    public let listener: String
    /// Sessions attached by it now.
    public var attached = 0
    /// Accepted from publishers.
    public var received = Volume()
    /// Handed over to be sent, repetitions included.
    public var sent = Volume()
    /// Publications refused, by reason.
    public var refused: [PublishRefusal: UInt64] = [:]

    public init(listener: String) { self.listener = listener }
}
