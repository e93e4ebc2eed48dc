import Messaging
import NIOCore

/// Who sent a datagram: an address, or a wireless node behind a forwarder at that address (MQTT-SN 5.5).
struct PeerAddress: Hashable {
    let remote: SocketAddress
    /// Nil for a peer that speaks for itself.
    let nodeID: ByteBuffer?

    /// The same host, whatever the port, and the same node behind it.
    func isSameHost(as other: PeerAddress) -> Bool {
        remote.ipAddress != nil && remote.ipAddress == other.remote.ipAddress && nodeID == other.nodeID
    }

    /// The one listener, as in the settings.
    static let listener = "mqttsn.udp"

    /// For records and access decisions.
    var record: Peer {
        let ip = remote.ipAddress ?? ""
        let port = remote.port ?? 0
        let isLoopback = ip.hasPrefix("127.") || ip == "::1" || ip.hasPrefix("::ffff:127.")
        return Peer(
            address: ip.contains(":") ? "[\(ip)]:\(port)" : "\(ip):\(port)", isLoopback: isLoopback,
            listener: Self.listener)
    }
}

/// Under what a peer is known while it is connected.
enum PeerKey: Hashable {
    case address(SocketAddress)
    /// A node behind a forwarder nobody has vouched for.
    case nodeBehind(SocketAddress, ByteBuffer)
    /// A node behind any of the forwarders an operator has named.
    case node(ByteBuffer)
}

/// The way back to a peer: its address, and the address of ours it wrote to, so that the answer comes from where it asked.
struct Route: Hashable {
    let peer: PeerAddress
    /// Nil where the system's choice is right: the socket is bound to one address.
    let local: NIOPacketInfo?
}
