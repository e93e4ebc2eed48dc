/// What came in and went out by one listener since the start.
package struct TrafficReading: Sendable, Equatable {
    /// Application messages by QoS, and their octets (`Message.octets`).
    package struct Volume: Sendable, Equatable {
        private var byQoS = InlineArray<3, UInt64>(repeating: 0)
        package var octets: UInt64 = 0

        package init() {}

        package subscript(qos: QoS) -> UInt64 {
            get { byQoS[Int(qos.rawValue)] }
            set { byQoS[Int(qos.rawValue)] = newValue }
        }

        package var messages: UInt64 { QoS.allCases.reduce(0) { $0 + self[$1] } }

        package mutating func add(_ octets: Int, qos: QoS) {
            byQoS[Int(qos.rawValue)] += 1
            self.octets += UInt64(octets)
        }

        package static func == (left: Volume, right: Volume) -> Bool {
            left.octets == right.octets && QoS.allCases.allSatisfy { left[$0] == right[$0] }
        }
    }

    /// The listener of what the product says about itself.
    package static let ownListener = "sys"

    /// As in the settings, `mqtt.tcp`; `lwm2m` for its devices, and `ownListener`.
    package let listener: String
    /// Sessions attached by it now.
    package var attached = 0
    /// Accepted from publishers.
    package var received = Volume()
    /// Handed over to be sent, repetitions included.
    package var sent = Volume()
    /// Publications refused, by reason.
    package var refused: [PublishRefusal: UInt64] = [:]

    package init(listener: String) { self.listener = listener }
}
