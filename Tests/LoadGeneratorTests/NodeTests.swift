import Glibc
import Testing

@testable import LoadGenerator

/// A node and a gateway of a few octets, on one loop.
@Suite struct NodeTests {
    private static let sleep: [UInt8] = [0x04, 0x18, 0x0E, 0x10]
    private static let goodbye: [UInt8] = [0x02, 0x18]

    /// A gateway that answers what it is told to, when it is told to.
    private final class Gateway: NodeOwner {
        let loop: LoadLoop
        let port: Int
        private let socket: AnsweringSocket
        private(set) var finished = 0

        init() throws {
            loop = try LoadLoop(inboxOctets: 2_048)
            socket = try AnsweringSocket()
            port = socket.port
        }

        func finished(_ node: Node, after nanoseconds: UInt64) { finished += 1 }
        func received(_ stamp: Stamp, by node: Node) {}

        func expect(_ octets: [UInt8]) { #expect(socket.receive() == octets) }
        func answer(_ octets: [UInt8]) { socket.send(octets) }

        /// Lets the node hear everything that was sent.
        func turn() throws { try loop.run(until: Clock.now() + 1) }
    }

    private func nodeThatFallsAsleep(_ gateway: Gateway) throws -> Node {
        let node = try Node(
            0, identifier: "n", topic: "t", purpose: .sleeper, qos: 1,
            at: ResolvedAddress(host: "127.0.0.1", port: gateway.port), owner: gateway, on: gateway.loop)
        node.start()
        gateway.expect(NodePacket.connect("n"))
        gateway.answer([0x03, 0x05, 0x00])
        try gateway.turn()
        gateway.expect(NodePacket.subscribe("t", qos: 1, messageIdentifier: 1))
        gateway.answer([0x08, 0x13, 0x20, 0x00, 0x01, 0x00, 0x01, 0x00])
        try gateway.turn()
        gateway.expect(Self.sleep)
        return node
    }

    @Test func aSleepAnnouncedTwiceIsAnsweredTwice() throws {
        let gateway = try Gateway()
        let node = try nodeThatFallsAsleep(gateway)
        node.repeatRequest(olderThan: 0, at: Clock.now() + 1)
        gateway.expect(Self.sleep)
        for _ in 0..<2 {
            gateway.answer(Self.goodbye)
            try gateway.turn()
        }
        #expect(node.state == .asleep && gateway.finished == 1)
        node.fetch()
        gateway.expect(NodePacket.pingreq("n"))
        gateway.answer([0x02, 0x17])
        try gateway.turn()
        #expect(gateway.finished == 2)
        node.end()
    }

    @Test func aGoodbyeOfTheGatewaysOwnIsALostConnection() throws {
        let gateway = try Gateway()
        let node = try nodeThatFallsAsleep(gateway)
        gateway.answer(Self.goodbye)
        try gateway.turn()
        gateway.answer(Self.goodbye)
        #expect(throws: LoadError.connectionLost(client: "n")) { try gateway.turn() }
        node.end()
    }
}

/// A UDP socket on the loopback that answers whoever wrote last.
private final class AnsweringSocket {
    private let descriptor: Int32
    private var peer = sockaddr_in()
    let port: Int

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        self.descriptor = descriptor
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        own.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &own) { own in
            own.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, size) == 0 && getsockname(descriptor, address, &size) == 0
            }
        }
        try #require(isBound)
        port = Int(UInt16(bigEndian: own.sin_port))
    }

    deinit { close(descriptor) }

    /// The next datagram, which has been sent already; empty when there is none.
    func receive() -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: 2_048)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &peer) { peer in
            peer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, &octets, octets.count, Int32(MSG_DONTWAIT), $0, &size)
            }
        }
        return Array(octets.prefix(max(0, count)))
    }

    func send(_ octets: [UInt8]) {
        withUnsafePointer(to: peer) { peer in
            peer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = sendto(descriptor, octets, octets.count, 0, address, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
