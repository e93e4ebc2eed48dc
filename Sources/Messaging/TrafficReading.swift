/// What came in and went out by one listener since the start.
public struct TrafficReading: Sendable, Equatable {
    /// Application messages by QoS, and their octets (`Message.octets`).
    public struct Volume: Sendable, Equatable {
        private var byQoS = InlineArray<3, UInt64>(repeating: 0)
        public var octets: UInt64 = 0

        public init() {}

        public subscript(qos: QoS) -> UInt64 {
            get { byQoS[Int(qos.rawValue)] }
            set { byQoS[Int(qos.rawValue)] = newValue }
        }

        public var messages: UInt64 { QoS.allCases.reduce(0) { $0 + self[$1] } }

        public mutating func add(_ octets: Int, qos: QoS) {
            byQoS[Int(qos.rawValue)] += 1
            self.octets += UInt64(octets)
        }

        public static func == (left: Volume, right: Volume) -> Bool {
            left.octets == right.octets && QoS.allCases.allSatisfy { left[$0] == right[$0] }
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
