package import NIOCore
import NIOPosix

/// A listening TCP socket. It is bound at once, but takes connections only after `accept`: until then they wait in the
/// system's backlog, so that a start which fails half way has served nobody.
package final class TCPListener: Sendable {
    private let channel: any Channel

    /// The address and port in use; the port is the one the system chose when 0 was asked for.
    package let local: ListenAddress

    private init(_ channel: any Channel, asked: ListenAddress) {
        self.channel = channel
        local = ListenAddress(address: asked.address, port: channel.localAddress?.port ?? asked.port)
    }

    /// Opens the socket.
    /// - Parameter setUp: called on the new connection's event loop before anything is read from it.
    package static func bind(
        _ place: ListenAddress, group: any EventLoopGroup,
        setUp: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws(BindFailure) -> TCPListener {
        let address = try place.resolved()
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4_096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.recvAllocator, value: Self.receiveAllocator)
            .childChannelInitializer(setUp)
        do {
            return TCPListener(try await bootstrap.bind(to: address).get(), asked: place)
        } catch {
            throw BindFailure(error, at: place, transport: "TCP")
        }
    }

    /// Begins to take connections.
    package func accept() async {
        // Fails only when the socket is closed already, and then there is nothing to accept.
        try? await channel.setOption(.autoRead, value: true).get()
    }

    /// Closes the listening socket; accepted connections go on.
    package func close() async {
        try? await channel.close().get()
    }

    /// A connection keeps its last receive buffer, so an idle one should have received its few octets into a small one;
    /// a busy one grows to 64 KB within a few reads.
    private static var receiveAllocator: AdaptiveRecvByteBufferAllocator {
        AdaptiveRecvByteBufferAllocator(minimum: 128, initial: 128, maximum: 65_536)
    }
}
