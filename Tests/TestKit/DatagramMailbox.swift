import NIOCore
import NIOPosix

/// A UDP socket of a simulated device: sends octets to one place, keeps what comes back until it is asked for.
package final class DatagramMailbox: Sendable {
    package struct TimedOut: Error, CustomStringConvertible {
        package let waited: Duration
        package var description: String { "no datagram within \(waited)" }
    }

    private let channel: any Channel
    private let remote: SocketAddress
    private let inbox: NIOLoopBound<Inbox>

    /// Opens a socket on the loopback address, on a port the system chooses.
    package init(host: String = "127.0.0.1", port: Int) async throws {
        remote = try SocketAddress(ipAddress: host, port: port)
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let inbox = try await eventLoop.submit { NIOLoopBound(Inbox(), eventLoop: eventLoop) }.get()
        self.inbox = inbox
        channel = try await DatagramBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramCollector(inbox: inbox.value))
                }
            }
            .bind(host: host == "::1" ? "::1" : "127.0.0.1", port: 0).get()
    }

    /// The port datagrams leave from.
    package var localPort: Int { channel.localAddress?.port ?? 0 }

    package func send(_ octets: [UInt8]) async throws {
        let envelope = AddressedEnvelope(remoteAddress: remote, data: ByteBuffer(bytes: octets))
        try await channel.writeAndFlush(envelope)
    }

    /// The oldest datagram not yet taken.
    package func next(within limit: Duration = .patience) async throws -> [UInt8] {
        let inbox = inbox
        let eventLoop = channel.eventLoop
        return try await eventLoop.flatSubmit { inbox.value.next(within: limit, on: eventLoop) }.get()
    }

    package func close() async throws {
        try await channel.close()
    }

    /// Lives on the channel's event loop.
    fileprivate final class Inbox {
        private var datagrams: [[UInt8]] = []
        private var waiting: EventLoopPromise<[UInt8]>?

        func next(within limit: Duration, on eventLoop: any EventLoop) -> EventLoopFuture<[UInt8]> {
            precondition(waiting == nil, "one reader at a time")
            if !datagrams.isEmpty { return eventLoop.makeSucceededFuture(datagrams.removeFirst()) }
            let promise = eventLoop.makePromise(of: [UInt8].self)
            waiting = promise
            let bound = NIOLoopBound(self, eventLoop: eventLoop)
            let timeout = eventLoop.scheduleTask(in: TimeAmount(limit)) {
                bound.value.waiting = nil
                promise.fail(TimedOut(waited: limit))
            }
            promise.futureResult.whenSuccess { _ in timeout.cancel() }
            return promise.futureResult
        }

        func receive(_ octets: [UInt8]) {
            guard let promise = waiting else { return datagrams.append(octets) }
            waiting = nil
            promise.succeed(octets)
        }
    }
}

private final class DatagramCollector: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    private let inbox: DatagramMailbox.Inbox

    init(inbox: DatagramMailbox.Inbox) {
        self.inbox = inbox
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        inbox.receive(Array(unwrapInboundIn(data).data.readableBytesView))
    }
}
