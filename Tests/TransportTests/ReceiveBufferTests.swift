import NIOCore
import NIOPosix
import Synchronization
import TestKit
import Testing

@testable import Transport

/// Connections of one loop that receive into the same memory.
@Suite struct ReceiveBufferTests {
    @Test(.timeLimit(.minutes(1))) func connectionsOfALoopReceiveIntoTheSameMemory() async throws {
        let stage = try await Stage(keeping: false)
        // The first read of a connection is into a buffer of its own.
        for round in 0..<3 {
            for number in 0..<Stage.connections { try await stage.send("\(round)-\(number);", by: number) }
        }
        #expect(stage.text == (0..<Stage.connections).map { number in "0-\(number);1-\(number);2-\(number);" })
        #expect(Set(stage.places).count == 1)
        await stage.close()
    }

    @Test(.timeLimit(.minutes(1))) func whatAHandlerKeepsStaysAsItIs() async throws {
        let stage = try await Stage(keeping: true)
        for round in 0..<3 {
            for number in 0..<Stage.connections { try await stage.send("\(round)-\(number);", by: number) }
        }
        #expect(stage.kept == (0..<3).flatMap { round in (0..<Stage.connections).map { "\(round)-\($0);" } })
        await stage.close()
    }

    @Test(.timeLimit(.minutes(1))) func moreThanTheBufferHoldsArrivesInPieces() async throws {
        let stage = try await Stage(keeping: false)
        let text = String(repeating: "0123456789abcdef", count: 3 * ReceiveBuffer.capacity / 16)
        try await stage.send(text, by: 1)
        #expect(stage.text[1] == text)
        await stage.close()
    }
}

/// Connections to a listener on one loop, and what has come by each.
private final class Stage: Sendable {
    static let connections = 3

    private struct Unexpected: Error {}

    /// What the handlers have seen.
    struct Received: Sendable {
        var text = Array(repeating: "", count: Stage.connections)
        /// Addresses that came after the first read of each connection.
        var places: [UInt] = []
        var kept: [ByteBuffer] = []
        var reads = Array(repeating: 0, count: Stage.connections)
        var accepted = 0
    }

    private let received = Mutex(Received())
    private let listener = Mutex<StreamListener?>(nil)
    private let sockets = Mutex<[RawSocket]>([])

    /// - Parameter keeping: what is received is not given back.
    init(keeping: Bool) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let buffer = ReceiveBuffer()
        let listener = try await StreamListener.bind(
            .internet(ListenAddress(address: "127.0.0.1", port: 0)), group: loop, connectionsPerLoop: 16
        ) { [self] channel in
            channel.eventLoop.makeCompletedFuture {
                let number = received.withLock { received in
                    defer { received.accepted += 1 }
                    return received.accepted
                }
                buffer.serve(channel)
                try channel.pipeline.syncOperations.addHandler(
                    Handler { [self] bytes in
                        var bytes = bytes
                        take(bytes, by: number, keeping: keeping)
                        if !keeping { buffer.takeBack(&bytes) }
                    })
            }
        }
        self.listener.withLock { $0 = listener }
        guard case .internet(let local) = listener.local else { throw Unexpected() }
        await listener.accept()
        for number in 0..<Self.connections {
            let socket = try RawSocket(.tcp, port: local.port, reads: false)
            sockets.withLock { $0.append(socket) }
            while received.withLock({ $0.accepted }) <= number { await Task.yield() }
        }
    }

    private func take(_ bytes: ByteBuffer, by number: Int, keeping: Bool) {
        received.withLock { received in
            received.text[number] += String(buffer: bytes)
            received.reads[number] += 1
            if received.reads[number] > 1 {
                received.places.append(bytes.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) })
            }
            if keeping { received.kept.append(bytes) }
        }
    }

    /// Returns when it has arrived.
    func send(_ text: String, by number: Int) async throws {
        let awaited = received.withLock { $0.text[number].utf8.count } + text.utf8.count
        let socket = sockets.withLock { $0[number] }
        socket.send(Array(text.utf8))
        while received.withLock({ $0.text[number].utf8.count }) < awaited { await Task.yield() }
    }

    var text: [String] { received.withLock { $0.text } }
    var places: [UInt] { received.withLock { $0.places } }
    var kept: [String] { received.withLock { $0.kept }.map { String(buffer: $0) } }

    func close() async {
        sockets.withLock { $0 = [] }
        let listener = listener.withLock { $0 }
        await listener?.close()
    }
}

private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let take: (ByteBuffer) -> Void

    init(_ take: @escaping (ByteBuffer) -> Void) { self.take = take }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { take(unwrapInboundIn(data)) }
}
