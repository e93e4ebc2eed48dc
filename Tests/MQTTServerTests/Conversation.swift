import Logging
import MQTTCodec
import Messaging
import NIOCore
import NIOEmbedded
import TestKit
import Testing
import Transport

@testable import MQTTServer

/// A gateway's inside without sockets: one event loop moved by hand, one fake broker, any number of clients.
final class Conversation {
    let broker = FakeBroker()
    let server: ServerContext
    let eventLoop = EmbeddedEventLoop()
    let listener: ListenerContext
    let loop: LoopContext

    init(_ configure: (inout MQTTConfiguration) -> Void = { _ in }) {
        var configuration = MQTTConfiguration()
        configure(&configuration)
        server = ServerContext(
            configuration: configuration, broker: broker,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let place = ListenPlace.internet(ListenAddress(address: "127.0.0.1", port: 0))
        listener = ListenerContext(
            configuration.listeners.first ?? .init(name: "mqtt.tcp", place: place), server: server)
        loop = LoopContext(eventLoop: eventLoop, lane: 1)
    }

    /// A client whose connection is open and that has said nothing yet.
    func client(_ version: ProtocolVersion = .v5) throws -> Client {
        try Client(self, version: version)
    }

    /// A client that has been let in; its CONNACK is read.
    func connectedClient(
        _ version: ProtocolVersion = .v5, id: String = "client", cleanStart: Bool = true, keepAlive: UInt16 = 0,
        properties: Properties = [], will: Connect.Will? = nil
    ) throws -> Client {
        let client = try client(version)
        let connect = Connect(
            version: version, clientIdentifier: id, cleanStart: cleanStart, keepAlive: keepAlive,
            properties: properties, will: will)
        try client.send(.connect(connect))
        guard case .connack(let answer) = try client.receive().first, answer.reasonCode == .success else {
            throw Failure.notLetIn
        }
        return client
    }

    /// Lets a client send so much in each of some turns of the loop that no read is taken to be alone afterwards.
    func keepBusy(_ client: Client) throws {
        for _ in 0..<3 {
            for _ in 0..<20 { try client.sendWithinTurn(.pingreq) }
            eventLoop.run()
        }
        _ = try client.receive()
    }

    enum Failure: Error { case notLetIn, somethingElseCame }
}

/// One client of a conversation.
final class Client {
    let channel: EmbeddedChannel
    let handler: ConnectionHandler
    let reads = ReadCounter()
    private let version: ProtocolVersion
    private var decoder: PacketDecoder
    private var received = ByteBuffer()
    /// Writes the handler has made, whatever they held.
    private(set) var writes = 0

    init(_ conversation: Conversation, version: ProtocolVersion) throws {
        self.version = version
        decoder = PacketDecoder(reading: .server, version: version)
        let peer = Peer(address: "127.0.0.1:5", isLoopback: true, listener: "mqtt.tcp")
        handler = ConnectionHandler(
            listener: conversation.listener, loop: conversation.loop, peer: peer,
            deadline: conversation.eventLoop.now + conversation.listener.connectTimeout)
        channel = EmbeddedChannel(handlers: [reads, handler], loop: conversation.eventLoop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 5)).wait()
    }

    /// Sends packets as one read brings them.
    func send(_ packets: Packet...) throws {
        var bytes = ByteBuffer()
        for packet in packets { PacketEncoder.encode(packet, into: &bytes, version: version) }
        try send(bytes)
    }

    func send(_ bytes: ByteBuffer) throws {
        try channel.writeInbound(bytes)
        channel.embeddedEventLoop.run()
    }

    /// Sends a packet as one read brings it; the loop's turn goes on.
    func sendWithinTurn(_ packet: Packet) throws {
        var bytes = ByteBuffer()
        PacketEncoder.encode(packet, into: &bytes, version: version)
        try channel.writeInbound(bytes)
    }

    /// Everything sent to the client since the last call.
    func receive() throws -> [Packet] {
        channel.embeddedEventLoop.run()
        return try receiveWithinTurn()
    }

    /// The same before the loop's turn ends.
    func receiveWithinTurn() throws -> [Packet] {
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) {
            writes += 1
            received.writeImmutableBuffer(bytes)
        }
        var packets: [Packet] = []
        while let packet = try decoder.decode(from: &received) { packets.append(packet) }
        return packets
    }

    /// The CONNACK that has come.
    func welcome() throws -> ConnAck {
        guard case .connack(let answer) = try receive().first else { throw Conversation.Failure.somethingElseCame }
        return answer
    }

    /// The DISCONNECT that has come.
    func goodbye() throws -> Disconnect {
        guard case .disconnect(let goodbye) = try receive().last else { throw Conversation.Failure.somethingElseCame }
        return goodbye
    }

    func subscribe(_ filter: String, _ qos: MQTTCodec.QoS, properties: Properties = []) throws {
        try send(.subscribe(Subscribe(1, filters: [.init(filter, qos: qos)], properties: properties)))
        let granted: ReasonCode = [.grantedQoS0, .grantedQoS1, .grantedQoS2][Int(qos.rawValue)]
        #expect(try receive() == [.suback(SubAck(1, reasonCodes: [granted]))])
    }

    /// The network breaks.
    func cut() {
        channel.pipeline.fireChannelInactive()
        channel.embeddedEventLoop.run()
    }

    var isClosed: Bool { !channel.isActive }
}

/// Counts the reads the handler lets through.
final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    private(set) var count = 0

    func read(context: ChannelHandlerContext) {
        count += 1
        context.read()
    }
}

extension Packet {
    static func publish(
        _ topic: String, _ payload: String, _ qos: MQTTCodec.QoS = .atMostOnce, id: PacketIdentifier? = nil,
        isRetained: Bool = false, isDuplicate: Bool = false, properties: Properties = []
    ) -> Packet {
        .publish(
            Publish(
                topic: ByteBuffer(string: topic), payload: ByteBuffer(string: payload), qos: qos, packetIdentifier: id,
                isRetained: isRetained, isDuplicate: isDuplicate, properties: properties))
    }

    static func subscribe(_ id: PacketIdentifier, _ filters: (String, MQTTCodec.QoS)...) -> Packet {
        .subscribe(Subscribe(id, filters: filters.map { Subscribe.Filter($0.0, qos: $0.1) }))
    }
}
