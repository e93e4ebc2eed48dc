import Messaging
import NIOCore

/// Who sent a datagram: an address, or a wireless node behind a forwarder at that address (MQTT-SN 5.5).
struct PeerAddress: Hashable {
    let endpoint: Endpoint
    /// Nil for a peer that speaks for itself and without protection, as most do.
    private let way: Way?

    /// What lies between a peer and the socket.
    private final class Way: Hashable, Sendable {
        let nodeID: ByteBuffer?
        let association: Association?
        let forwarding: ProtocolVersion

        init(_ nodeID: ByteBuffer?, _ association: Association?, _ forwarding: ProtocolVersion) {
            self.nodeID = nodeID
            self.association = association
            self.forwarding = forwarding
        }

        static func == (left: Way, right: Way) -> Bool {
            left.nodeID == right.nodeID && left.association == right.association && left.forwarding == right.forwarding
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(nodeID)
            hasher.combine(association)
            hasher.combine(forwarding)
        }
    }

    init(
        remote: SocketAddress, nodeID: ByteBuffer?, association: Association? = nil,
        forwarding: ProtocolVersion = .v12
    ) {
        endpoint = Endpoint(remote)
        // A peer may be remembered for long: a slice would keep alive all of what was read with it.
        let nodeID = nodeID.map { ByteBuffer(bytes: $0.readableBytesView) }
        way = nodeID == nil && association == nil ? nil : Way(nodeID, association, forwarding)
    }

    var remote: SocketAddress { endpoint.socketAddress }
    /// Nil for a peer that speaks for itself.
    var nodeID: ByteBuffer? { way?.nodeID }
    /// The DTLS session it came by; nil for one without protection.
    var association: Association? { way?.association }
    /// How its forwarder carries messages.
    var forwarding: ProtocolVersion { way?.forwarding ?? .v12 }

    /// The same host, whatever the port, and the same node behind it.
    func isSameHost(as other: PeerAddress) -> Bool {
        endpoint.isSameHost(as: other.endpoint) && nodeID == other.nodeID
    }

    /// The listeners, as in the settings.
    static let plainListener = "mqttsn.udp"
    static let securedListener = "mqttsn.dtls"

    /// The listener it came in by.
    var listener: String { association == nil ? Self.plainListener : Self.securedListener }

    /// For records and access decisions.
    var record: Peer {
        let ip = remote.ipAddress ?? ""
        let isLoopback = ip.hasPrefix("127.") || ip == "::1" || ip.hasPrefix("::ffff:127.")
        return Peer(address: endpoint.text, isLoopback: isLoopback, listener: listener)
    }
}

/// Under what a peer is known while it is connected.
enum PeerKey: Hashable {
    case address(Endpoint)
    /// A DTLS session, by its number.
    case association(UInt64)
    /// A node behind a forwarder nobody has vouched for.
    indirect case nodeBehind(Endpoint, ByteBuffer)
    /// The same, when the forwarder speaks DTLS.
    indirect case nodeOf(UInt64, ByteBuffer)
    /// A node behind any of the forwarders an operator has named.
    indirect case node(ByteBuffer)
}

/// The way back to a peer: its address, and the address of ours it wrote to, so that the answer comes from where it asked.
struct Route: Hashable {
    let peer: PeerAddress
    /// Nil where the system's choice is right: the socket is bound to one address.
    let local: NIOPacketInfo?
}
