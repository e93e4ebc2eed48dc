import Glibc
import MQTTCodec
import NIOCore
import NIOPosix
import Transport

/// One MQTT connection of a client command: packets in, packets out. Not shared between tasks; `Writer` may be.
struct ClientConnection {
    /// The sending half.
    struct Writer: Sendable {
        fileprivate let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
        fileprivate let version: ProtocolVersion

        func send(_ packet: Packet) async throws {
            var buffer = ByteBuffer()
            PacketEncoder.encode(packet, into: &buffer, version: version)
            try await outbound.write(buffer)
        }
    }

    let writer: Writer
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var decoder: PacketDecoder
    private var received = ByteBuffer()

    /// Silence after which the client sends PINGREQ; the broker is told double of it (MQTT-3.1.2-23).
    static let pingInterval = Duration.seconds(30)

    /// Connects, gets past CONNACK, runs `body`, says DISCONNECT and closes.
    static func open<Result: Sendable>(
        _ options: ClientOptions, body: (inout ClientConnection) async throws -> Result
    ) async throws -> Result {
        let channel = try await connect(options)
        let version = options.version.protocolVersion
        do {
            return try await channel.executeThenClose { inbound, outbound in
                var connection = ClientConnection(
                    writer: Writer(outbound: outbound, version: version), inbound: inbound.makeAsyncIterator(),
                    decoder: PacketDecoder(reading: .server, version: version))
                try await connection.introduce(options)
                let result = try await body(&connection)
                try await connection.writer.send(.disconnect(Disconnect()))
                return result
            }
        } catch {
            guard let sentence = TLSConnector.sentence(for: error) else { throw error }
            throw ClientError.notSecure(sentence)
        }
    }

    private typealias Octets = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private static func connect(_ options: ClientOptions) async throws -> Octets {
        let connector = try options.security.connector()
        let webSocket = options.usesWebSocket ? WebSocketConnector(host: options.host, path: options.path) : nil
        let (host, port) = (options.host, options.brokerPort)
        do {
            let opened: EventLoopFuture<Octets> = try await ClientBootstrap(
                group: MultiThreadedEventLoopGroup.singleton
            )
            .connectTimeout(.seconds(10))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try connector?.secure(channel, host: host)
                    if let webSocket {
                        return try webSocket.begin(channel) { channel in
                            try Octets(wrappingChannelSynchronously: channel)
                        }
                    }
                    return channel.eventLoop.makeSucceededFuture(try Octets(wrappingChannelSynchronously: channel))
                }
            }
            return try await opened.get()
        } catch {
            if let sentence = TLSConnector.sentence(for: error) { throw ClientError.notSecure(sentence) }
            throw ClientError.cannotConnect(host: host, port: port, reason: Self.reason(of: error))
        }
    }

    private static func reason(of error: any Error) -> String {
        switch error {
        case let error as IOError: String(cString: strerror(error.errnoCode)).lowercased()
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason(of: $0.error) } ?? "the host name is not known"
        case is WebSocketConnector.Refused: "no WebSocket for MQTT at this path"
        case ChannelError.connectTimeout: "no answer within 10 s"
        default: "\(error)"
        }
    }

    private mutating func introduce(_ options: ClientOptions) async throws {
        let version = options.version.protocolVersion
        let connect = Connect(
            version: version, clientIdentifier: options.id ?? "",
            keepAlive: UInt16(Self.pingInterval.components.seconds * 2), userName: options.username,
            password: options.password.map { Secret(ByteBuffer(string: $0)) })
        do {
            try await writer.send(.connect(connect))
        } catch is ChannelError {
            // The connection is closed already; reading tells why.
        }
        guard case .connack(let answer) = try await next() else { throw ClientError.protocolViolation }
        guard !answer.reasonCode.isFailure else { throw ClientError.connectRefused(answer.reasonCode) }
    }

    /// The next packet, whatever it is except PINGRESP.
    /// - Throws: `ClientError` when the broker leaves or does not speak MQTT; `CancellationError` when the task is cancelled.
    mutating func next() async throws -> Packet {
        while true {
            let packet: Packet?
            do {
                packet = try decoder.decode(from: &received)
            } catch {
                throw ClientError.protocolViolation
            }
            switch packet {
            case .pingresp: continue
            case .disconnect(let disconnect): throw ClientError.disconnected(disconnect.reasonCode)
            case let packet?: return packet
            case nil:
                guard var bytes = try await inbound.next(isolation: #isolation) else {
                    try Task.checkCancellation()
                    throw ClientError.connectionLost
                }
                received.discardReadBytes()
                received.writeBuffer(&bytes)
            }
        }
    }
}
