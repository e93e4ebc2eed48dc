/// Client libraries that need more consideration than the standard asks for, chosen by an operator for a listener or for the
/// client ids of a pattern. The figures are the libraries' own defaults.
package enum DeviceProfile: String, Sendable, CaseIterable {
    /// MQTT-SN 1.2 as written.
    case standard
    /// RIOT emcute: refuses a PUBLISH with DUP, does not know REGISTER, 512 octets.
    case emcute
    /// RIOT asymcute: does not know REGISTER, 128 octets.
    case asymcute
    /// Zephyr: 20 names, 255 octets; never answers a REGISTER its table has no room for.
    case zephyr
    /// Contiki and its kin: lengths of one octet, radios that sleep between two messages.
    case contiki
    /// Paho embedded: 100 octets, 5 names of at most 20 characters.
    case paho

    struct Quirks: Sendable {
        /// A repeated PUBLISH carries DUP (MQTT-SN 6.13).
        var setsDUP = true
        /// The client knows the gateway's REGISTER. Where it does not, a message whose topic it has no id for is dropped at
        /// once instead of after all repetitions.
        var acceptsRegister = true
        /// Names the gateway may register on one connection; nil for no bound.
        var maximumNames: UInt16?
        /// Octets of a name the gateway may register.
        var maximumNameLength = Int.max
        /// Octets of a message to the client.
        var maximumPacketSize = Int.max
        /// Least time between two messages to the client.
        var pacing = Duration.zero
    }

    var quirks: Quirks {
        switch self {
        case .standard: Quirks()
        case .emcute: Quirks(setsDUP: false, acceptsRegister: false, maximumPacketSize: 512)
        case .asymcute: Quirks(acceptsRegister: false, maximumPacketSize: 128)
        case .zephyr: Quirks(maximumNames: 20, maximumPacketSize: 255)
        // 125 ms: one round of ContikiMAC's channel check at its usual 8 Hz.
        case .contiki: Quirks(maximumPacketSize: 255, pacing: .milliseconds(125))
        case .paho: Quirks(maximumNames: 5, maximumNameLength: 20, maximumPacketSize: 100)
        }
    }
}
