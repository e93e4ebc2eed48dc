import MQTTCodec

/// What a client does once it is connected. Called on the loop's thread; whatever is sent leaves at the end of the turn.
protocol ClientRole: AnyObject {
    /// CONNACK has come.
    func opened(_ client: Client, _ answer: ConnAck) throws(LoadError)
    /// A message, which the client acknowledges by itself.
    func received(_ delivery: Delivery, by client: Client) throws(LoadError)
    /// The broker has taken over a message of QoS 1 or 2: PUBACK, or PUBCOMP.
    func published(_ identifier: UInt16, by client: Client) throws(LoadError)
    /// SUBACK, UNSUBACK or PINGRESP.
    func received(_ packet: Packet, by client: Client) throws(LoadError)
    /// The broker closed the connection.
    func closed(_ client: Client) throws(LoadError)
}

extension ClientRole {
    func opened(_ client: Client, _ answer: ConnAck) throws(LoadError) {}
    func received(_ delivery: Delivery, by client: Client) throws(LoadError) {}
    func published(_ identifier: UInt16, by client: Client) throws(LoadError) {}
    func received(_ packet: Packet, by client: Client) throws(LoadError) {}
    func closed(_ client: Client) throws(LoadError) { throw .connectionLost(client: client.identifier) }
}
