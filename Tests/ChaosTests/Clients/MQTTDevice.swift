import MQTTCodec
import NIOCore
import NIOPosix
import TestKit

/// What an MQTT client keeps over its connections, and how it answers. Used on one event loop.
protocol MQTTClientState: AnyObject {
    var version: ProtocolVersion { get }
    func connect() -> Connect
    /// CONNACK has come: what to send first.
    func connected(isSessionPresent: Bool) -> [Packet]
    func receive(_ packet: Packet) -> [Packet]
    /// Called every few milliseconds while connected.
    func tick() -> [Packet]
}

/// An MQTT client that comes back after every death of the gateway.
final class MQTTDevice: Sendable {
    private let eventLoop: any EventLoop
    private let state: NIOLoopBound<any MQTTClientState>
    private let account: Shared<Account>

    init(_ account: Shared<Account>, _ make: @escaping @Sendable () -> any MQTTClientState) async throws {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        self.eventLoop = eventLoop
        self.account = account
        state = try await eventLoop.submit { NIOLoopBound(make(), eventLoop: eventLoop) }.get()
    }

    /// Connects in each life of the gateway it attends and stays until that ends.
    func run(_ gateway: MortalGateway, attends: @Sendable (Int) -> Bool = { _ in true }) async {
        var last = 0
        while let life = await gateway.life(after: last) {
            last = life.number
            guard attends(life.number) else { continue }
            let (state, account) = (state, account)
            let channel = try? await ClientBootstrap(group: eventLoop)
                .channelOption(.socketOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            MQTTDeviceHandler(state.value, account))
                    }
                }
                .connect(host: "127.0.0.1", port: life.mqtt).get()
            try? await channel?.closeFuture.get()
        }
    }
}

/// One connection of a client.
private final class MQTTDeviceHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let tick = TimeAmount.milliseconds(10)

    private let state: any MQTTClientState
    private let account: Shared<Account>
    private var decoder: PacketDecoder
    private var received = ByteBuffer()
    private var ticking: RepeatedTask?

    init(_ state: any MQTTClientState, _ account: Shared<Account>) {
        self.state = state
        self.account = account
        decoder = PacketDecoder(reading: .server, version: state.version)
    }

    func channelActive(context: ChannelHandlerContext) { send([.connect(state.connect())], context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var octets = unwrapInboundIn(data)
        received.discardReadBytes()
        received.writeBuffer(&octets)
        do {
            while let packet = try decoder.decode(from: &received) { send(answers(to: packet, context), context) }
        } catch {
            violate("\(error)")
        }
    }

    private func answers(to packet: Packet, _ context: ChannelHandlerContext) -> [Packet] {
        switch packet {
        case .connack(let answer) where !answer.reasonCode.isFailure:
            startTicking(context)
            return state.connected(isSessionPresent: answer.isSessionPresent)
        case .connack, .disconnect:
            violate("\(packet)")
            return []
        default: return state.receive(packet)
        }
    }

    private func startTicking(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        ticking = context.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.tick) { _ in
            let (handler, context) = bound.value
            handler.send(handler.state.tick(), context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { ticking?.cancel() }

    /// A killed gateway may leave its connections broken.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func send(_ packets: [Packet], _ context: ChannelHandlerContext) {
        guard !packets.isEmpty else { return }
        var octets = context.channel.allocator.buffer(capacity: 512)
        for packet in packets { PacketEncoder.encode(packet, into: &octets, version: state.version) }
        context.writeAndFlush(wrapOutboundOut(octets), promise: nil)
    }

    private func violate(_ what: String) {
        let name = state.connect().clientIdentifier
        account.change { $0.violate("\(name): \(what)") }
    }
}
