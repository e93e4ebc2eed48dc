package import NIOCore
import NIOPosix

/// A listening TCP or unix socket: all octets arrive, in their order (MQTT-4.2.0-1). It is bound at once, but takes connections only after `accept`: until then they wait in
/// the system's backlog, so that a start which fails half way has served nobody.
package final class StreamListener: Sendable {
    private let channel: any Channel

    /// Where it listens; the port is the one the system chose when 0 was asked for.
    package let local: ListenPlace

    private init(_ channel: any Channel, local: ListenPlace) {
        self.channel = channel
        self.local = local
    }

    /// Opens the socket.
    /// - Parameter setUp: called on the new connection's event loop before anything is read from it.
    package static func bind(
        _ place: ListenPlace, group: any EventLoopGroup,
        setUp: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws(BindFailure) -> StreamListener {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4_096)
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.recvAllocator, value: Self.receiveAllocator)
            .childChannelInitializer(setUp)
        switch place {
        case .internet(let address): return try await bind(bootstrap, address)
        case .unix(let file): return try await bind(bootstrap, file)
        }
    }

    private static func bind(
        _ bootstrap: ServerBootstrap, _ place: ListenAddress
    ) async throws(BindFailure) -> StreamListener {
        let address = try place.resolved()
        do {
            let channel = try await bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(to: address).get()
            let port = channel.localAddress?.port ?? place.port
            return StreamListener(channel, local: .internet(ListenAddress(address: place.address, port: port)))
        } catch {
            throw BindFailure(error, at: place, transport: "TCP")
        }
    }

    private static func bind(
        _ bootstrap: ServerBootstrap, _ file: UnixSocketFile
    ) async throws(BindFailure) -> StreamListener {
        let address = try file.prepare()
        do {
            let channel = try await bootstrap.bind(to: address).get()
            try file.protect()
            return StreamListener(channel, local: .unix(file))
        } catch {
            throw file.failure(error)
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
        if case .unix(let file) = local { file.remove() }
    }

    /// A connection keeps its last receive buffer, so an idle one should have received its few octets into a small one;
    /// a busy one grows to 64 KB within a few reads.
    private static var receiveAllocator: AdaptiveRecvByteBufferAllocator {
        AdaptiveRecvByteBufferAllocator(minimum: 128, initial: 128, maximum: 65_536)
    }
}
