/// Names a session. MQTT and MQTT-SN clients share one space, as the same device may speak either; gateways whose
/// devices have names of another kind prefix them (`coap:…`, `lwm2m:…`) so that no device takes over another's session.
package struct ClientID: Hashable, Sendable, CustomStringConvertible {
    package let string: String

    package init(_ string: String) { self.string = string }

    package var description: String { string }

    package static func == (left: ClientID, right: ClientID) -> Bool { left.string.hasSameOctets(as: right.string) }

    package func hash(into hasher: inout Hasher) { string.hashOctets(into: &hasher) }
}
