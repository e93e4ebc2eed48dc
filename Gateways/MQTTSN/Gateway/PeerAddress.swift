import Messaging
import NIOCore

/// Who sent a datagram: an address, or a wireless node behind a forwarder at that address (MQTT-SN 5.5).
struct PeerAddress: Hashable {
    let remote: SocketAddress
    /// Nil for a peer that speaks for itself.
    let nodeID: ByteBuffer?
    /// The DTLS session it came by; nil for one without protection.
    var association: Association?
    /// How its forwarder carries messages.
    var forwarding = ProtocolVersion.v12

    /// The same host, whatever the port, and the same node behind it.
    func isSameHost(as other: PeerAddress) -> Bool {
        remote.ipAddress != nil && remote.ipAddress == other.remote.ipAddress && nodeID == other.nodeID
    }

    /// The listeners, as in the settings.
    static let plainListener = "mqttsn.udp"
    static let securedListener = "mqttsn.dtls"

    /// The listener it came in by.
    var listener: String { association == nil ? Self.plainListener : Self.securedListener }

    /// For records and access decisions.
    var record: Peer {
        let ip = remote.ipAddress ?? ""
        let port = remote.port ?? 0
        let isLoopback = ip.hasPrefix("127.") || ip == "::1" || ip.hasPrefix("::ffff:127.")
        return Peer(
            address: ip.contains(":") ? "[\(ip)]:\(port)" : "\(ip):\(port)", isLoopback: isLoopback,
            listener: listener)
    }
}

/// Under what a peer is known while it is connected.
enum PeerKey: Hashable {
    case address(SocketAddress)
    /// A DTLS session, by its number.
    case association(UInt64)
    /// A node behind a forwarder nobody has vouched for.
    case nodeBehind(SocketAddress, ByteBuffer)
    /// The same, when the forwarder speaks DTLS.
    case nodeOf(UInt64, ByteBuffer)
    /// A node behind any of the forwarders an operator has named.
    case node(ByteBuffer)
}

/// The way back to a peer: its address, and the address of ours it wrote to, so that the answer comes from where it asked.
struct Route: Hashable {
    let peer: PeerAddress
    /// Nil where the system's choice is right: the socket is bound to one address.
    let local: NIOPacketInfo?
}
