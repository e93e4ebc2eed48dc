package import NIOCore
import NIOPosix
import Synchronization

/// A listening TCP or unix socket: all octets arrive, in their order (MQTT-4.2.0-1). It is bound at once, but takes connections only after `accept`: until then they wait in
/// the system's backlog, so that a start which fails half way has served nobody.
///
/// Each event loop has a channel for the socket, and of these one at a time accepts (`LoopTurns`).
package final class StreamListener: Sendable {
    private let channels: [any Channel]
    private let turns: Turns

    /// Where it listens; the port is the one the system chose when 0 was asked for.
    package let local: ListenPlace

    private init(_ channels: [any Channel], _ turns: Turns, local: ListenPlace) {
        self.channels = channels
        self.turns = turns
        self.local = local
    }

    /// Opens the socket.
    /// - Parameters:
    ///   - connectionsPerLoop: connections that share an event loop before another gets any (`LoopTurns`).
    ///   - setUp: called on the new connection's event loop before anything is read from it.
    package static func bind(
        _ place: ListenPlace, group: any EventLoopGroup, connectionsPerLoop: Int,
        setUp: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws(BindFailure) -> StreamListener {
        let loops = group.makeIterator().reduce(0) { count, _ in count + 1 }
        let turns = Turns(LoopTurns(loops: loops, stride: connectionsPerLoop))
        switch place {
        case .internet(let address):
            let resolved = try address.resolved()
            do {
                let channels = try await open(ListeningSocket.open(at: resolved), group, turns, setUp)
                let port = channels.first?.localAddress?.port ?? address.port
                let local = ListenPlace.internet(ListenAddress(address: address.address, port: port))
                return StreamListener(channels, turns, local: local)
            } catch {
                throw BindFailure(error, at: address, transport: "TCP")
            }
        case .unix(let file):
            let resolved = try file.prepare()
            do {
                let socket = try ListeningSocket.open(at: resolved)
                try file.protect()
                return StreamListener(try await open(socket, group, turns, setUp), turns, local: place)
            } catch {
                throw file.failure(error)
            }
        }
    }

    private static func open(
        _ socket: borrowing ListeningSocket, _ group: any EventLoopGroup, _ turns: Turns,
        _ setUp: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws -> [any Channel] {
        var channels: [any Channel] = []
        do {
            for (index, loop) in group.makeIterator().enumerated() {
                let bootstrap = ServerBootstrap(group: loop)
                    .serverChannelOption(.autoRead, value: false)
                    .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .childChannelOption(.recvAllocator, value: receiveAllocator)
                    .childChannelInitializer { channel in
                        turns.began(channel, on: index)
                        return setUp(channel)
                    }
                channels.append(try await bootstrap.withBoundSocket(socket.duplicate()).get())
            }
            // NIO has begun to listen, too, with a backlog of 128.
            try socket.listen()
        } catch {
            for channel in channels { try? await channel.close().get() }
            throw error
        }
        turns.take(channels)
        return channels
    }

    /// Begins to take connections.
    package func accept() async { await turns.begin() }

    /// Closes the listening socket; accepted connections go on.
    package func close() async {
        turns.end()
        for channel in channels { try? await channel.close().get() }
        if case .unix(let file) = local { file.remove() }
    }

    /// A connection keeps its last receive buffer, so an idle one should have received its few octets into a small one;
    /// a busy one grows to 64 KB within a few reads.
    private static var receiveAllocator: AdaptiveRecvByteBufferAllocator {
        AdaptiveRecvByteBufferAllocator(minimum: 128, initial: 128, maximum: 65_536)
    }
}

/// Lets one channel of a listener accept at a time.
private final class Turns: Sendable {
    private struct State {
        var turns: LoopTurns
        /// By loop; empty before and after.
        var channels: [any Channel] = []
    }

    private let state: Mutex<State>

    init(_ turns: LoopTurns) { state = Mutex(State(turns: turns)) }

    func take(_ channels: [any Channel]) { state.withLock { $0.channels = channels } }

    func begin() async {
        let first = state.withLock { state in state.channels.isEmpty ? nil : state.channels[state.turns.current] }
        // Fails only when the socket is closed already, and then there is nothing to accept.
        try? await first?.setOption(.autoRead, value: true).get()
    }

    func end() { state.withLock { $0.channels = [] } }

    /// A connection has come in on a loop: counts it until it is over.
    func began(_ channel: any Channel, on loop: Int) {
        channel.closeFuture.whenComplete { _ in self.state.withLock { $0.turns.ended(on: loop) } }
        let change = state.withLock { state -> (from: any Channel, to: any Channel)? in
            guard let next = state.turns.began(on: loop), !state.channels.isEmpty else { return nil }
            return (state.channels[loop], state.channels[next])
        }
        guard let change else { return }
        _ = change.from.setOption(.autoRead, value: false)
        _ = change.to.setOption(.autoRead, value: true)
    }
}
