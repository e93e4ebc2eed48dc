import NIOCore
import NIOPosix
import Synchronization
import TestKit
import Testing

@testable import Transport

@Suite struct StreamListenerTests {
    /// As many as a flood brings at once; more than the 128 that are the custom elsewhere. With fewer places the system lets each of the
    /// others wait for a second and longer, which would take all of the time limit.
    private static let connections = 2_000

    @Test(.timeLimit(.minutes(1))) func aFloodOfConnectionsWaitsAndIsSpreadOverAllLoops() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let accepted = Mutex<[ObjectIdentifier: Int]>([:])
        let listener = try await StreamListener.bind(
            .internet(ListenAddress(address: "127.0.0.1", port: 0)), group: group, connectionsPerLoop: 16
        ) { channel in
            accepted.withLock { $0[ObjectIdentifier(channel.eventLoop), default: 0] += 1 }
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        guard case .internet(let local) = listener.local else { throw Unexpected() }
        let sockets = try (0..<Self.connections).map { _ in try RawSocket(.tcp, port: local.port, reads: false) }
        #expect(accepted.withLock { $0.isEmpty }, "nobody is accepted before it is time")
        await listener.accept()
        while accepted.withLock({ $0.values.reduce(0, +) }) < Self.connections { await Task.yield() }
        let counts = accepted.withLock { Array($0.values) }
        let loops = group.makeIterator().reduce(0) { count, _ in count + 1 }
        #expect(counts.count == loops)
        withExtendedLifetime(sockets) {}
        await listener.close()
    }

    private struct Unexpected: Error {}
}
