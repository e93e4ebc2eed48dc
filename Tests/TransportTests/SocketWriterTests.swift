import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization
import Testing

@testable import Transport

/// What is written past the channel and what is written by it arrive in the order in which they were written.
@Suite struct SocketWriterTests {
    @Test(.timeLimit(.minutes(1))) func whatTheSocketDoesNotTakeArrivesInItsPlace() async throws {
        let connection = try await Connection()
        // More than both sockets hold while the peer does not read, so that all three ways are taken: the socket, its rest to the channel, and
        // all of it to the channel.
        let blocks = 64
        let ways = try await connection.write(blocks: 0..<blocks, octets: 16_384)
        #expect(ways.first == .socket)
        #expect(ways.last == .channel)
        try await connection.read(blocks: blocks, octets: 16_384)
        // The channel has nothing left to write: the socket's turn again.
        #expect(try await connection.write(blocks: blocks..<(blocks + 1), octets: 100) == [.socket])
        try await connection.read(blocks: blocks + 1, octets: 100)
        try await connection.close()
    }

    @Test func afterItsEndTheSocketIsNotTouched() async throws {
        let connection = try await Connection()
        try await connection.endWriter()
        #expect(try await connection.write(blocks: 0..<1, octets: 10) == [.channel])
        try await connection.close()
    }

    @Test func aChannelWithoutSocketIsLeftEverything() {
        let channel = EmbeddedChannel()
        var writer = SocketWriter(channel)
        var bytes = ByteBuffer(string: "hello")
        #expect(!writer.write(&bytes, of: channel))
        #expect(bytes == ByteBuffer(string: "hello"))
    }
}

/// Both ends of a connection: one that writes numbered blocks, and a peer that reads only when it is told to.
private struct Connection: Sendable {
    enum Way { case socket, channel }

    private struct Unexpected: Error {}

    private let listener: StreamListener
    private let writing: any Channel
    private let writer: NIOLoopBoundBox<SocketWriter>
    private let peer: any Channel
    private let arrived: Arrived

    init() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let accepted = group.any().makePromise(of: (any Channel).self)
        listener = try await StreamListener.bind(
            .internet(ListenAddress(address: "127.0.0.1", port: 0)), group: group, connectionsPerLoop: 16
        ) { channel in
            accepted.succeed(channel)
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        guard case .internet(let local) = listener.local else { throw Unexpected() }
        await listener.accept()
        let arrived = Arrived()
        self.arrived = arrived
        peer = try await ClientBootstrap(group: group)
            .channelOption(.autoRead, value: false)
            .channelOption(.socketOption(.so_rcvbuf), value: 16_384)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Reader(arrived))
                }
            }
            .connect(host: "127.0.0.1", port: local.port).get()
        let channel = try await accepted.futureResult.get()
        try await channel.setOption(.socketOption(.so_sndbuf), value: 16_384).get()
        writing = channel
        writer = try await channel.eventLoop.submit {
            NIOLoopBoundBox(SocketWriter(channel), eventLoop: channel.eventLoop)
        }.get()
    }

    /// - Returns: which way the last octet of each block went.
    func write(blocks: Range<Int>, octets: Int) async throws -> [Way] {
        let (channel, writer) = (writing, writer)
        return try await channel.eventLoop.submit {
            blocks.map { number in
                var bytes = ByteBuffer(repeating: UInt8(truncatingIfNeeded: number), count: octets)
                if writer.value.write(&bytes, of: channel) { return .socket }
                channel.writeAndFlush(bytes, promise: nil)
                return .channel
            }
        }.get()
    }

    func endWriter() async throws { try await writing.eventLoop.submit { [writer] in writer.value.end() }.get() }

    /// Reads until the first octet of the block before `blocks` has come, and as many of its kind as it has.
    func read(blocks: Int, octets: Int) async throws {
        try await peer.setOption(.autoRead, value: true).get()
        let last = UInt8(truncatingIfNeeded: blocks - 1)
        while arrived.tail(of: last) < octets { await Task.yield() }
        #expect(arrived.isInOrder)
    }

    func close() async throws {
        try await peer.close()
        await listener.close()
    }
}

/// What has come: blocks of equal octets, each one more than the one before.
private final class Arrived: Sendable {
    private let state = Mutex((last: UInt8(0), count: 0, isInOrder: true))

    var isInOrder: Bool { state.withLock { $0.isInOrder } }

    /// How many of `octet` have come last.
    func tail(of octet: UInt8) -> Int { state.withLock { $0.last == octet ? $0.count : 0 } }

    func add(_ bytes: ByteBuffer) {
        state.withLock { state in
            for octet in bytes.readableBytesView {
                guard octet != state.last else {
                    state.count += 1
                    continue
                }
                if octet != state.last &+ 1 { state.isInOrder = false }
                state.last = octet
                state.count = 1
            }
        }
    }
}

private final class Reader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let arrived: Arrived

    init(_ arrived: Arrived) { self.arrived = arrived }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { arrived.add(unwrapInboundIn(data)) }
}
