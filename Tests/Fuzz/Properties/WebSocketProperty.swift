import NIOCore
import NIOEmbedded
import TestKit
import Transport

/// A connection is answered once, becomes a WebSocket or ends, passes on exactly what valid frames carried up to the
/// first offence, whatever pieces it arrives in, and leaves nothing in memory when it is closed.
///
///     instruction:  | size of the pieces (7 bits) | the request is part of the input (1) |
struct WebSocketProperty {
    private static let frameLimit = 256
    private static let request = Array(WebSocketHandshake.request.utf8)

    private let bringsRequest: Bool
    private let pieceSize: Int

    init(_ instruction: UInt8) {
        bringsRequest = instruction & 1 == 1
        pieceSize = Int(instruction >> 1)
    }

    func check(_ octets: [UInt8]) throws(PropertyViolation) {
        weak var connection: Connection?
        weak var channel: EmbeddedChannel?
        func use() throws(PropertyViolation) {
            let used = try checkedConnection(octets)
            (connection, channel) = (used, used.channel)
        }
        try use()
        // The connection is held by the handlers it gave its callbacks to.
        try require(connection == nil && channel == nil, "stays in memory when it is closed")
    }

    /// A connection that has received `octets` and is closed.
    private func checkedConnection(_ octets: [UInt8]) throws(PropertyViolation) -> Connection {
        let connection: Connection
        do {
            connection = try Connection(frameLimit: Self.frameLimit)
            if !bringsRequest { try connection.receive(Self.request) }
            for piece in pieces(of: octets, size: pieceSize) { try connection.receive(piece) }
            connection.endHandshakeTime()
            try connection.collect()
        } catch {
            throw PropertyViolation("the test's own channel failed: \(error)")
        }
        try check(connection)
        if !bringsRequest {
            let expected = ExpectedStream(octets, frameLimit: Self.frameLimit)
            try require(connection.passedOn == expected.octets, "passes on something else than the frames carry")
            try require(connection.channel.isActive != expected.hasEnded, "goes on or ends where it should not")
        }
        connection.close()
        try require(!connection.channel.isActive, "does not close")
        return connection
    }

    private func check(_ connection: Connection) throws(PropertyViolation) {
        try require(connection.isOpen || !connection.channel.isActive, "neither open nor closed when the time is up")
        guard !connection.sent.isEmpty else { return try require(!connection.isOpen, "open without an answer") }
        let end = Array("\r\n\r\n".utf8)
        guard let head = connection.sent.firstRange(of: end) else { throw PropertyViolation("an answer without end") }
        let answer = connection.sent[..<head.lowerBound]
        try require(answer.starts(with: Array("HTTP/1.".utf8)), "no answer of HTTP")
        let status = String(decoding: answer.dropFirst(9).prefix(3), as: UTF8.self)
        try require((status == "101") == connection.isOpen, "status \(status) is not what became of it")
        let rest = connection.sent[head.upperBound...]
        if connection.isOpen {
            try check(frames: rest)
        } else {
            try require(rest.isEmpty, "a second answer")
        }
    }

    /// A server's frames are whole, short and not masked (RFC 6455, 5.1); nothing follows Close (5.5.1).
    private func check(frames octets: ArraySlice<UInt8>) throws(PropertyViolation) {
        var rest = octets
        while let first = rest.popFirst() {
            guard let length = rest.popFirst(), length <= 125, rest.count >= length else {
                throw PropertyViolation("a frame that is masked, long or cut off")
            }
            rest = rest.dropFirst(Int(length))
            try require(first == 0x8A || first == 0x88, "a frame of type \(first)")
            if first == 0x88 { try require(rest.isEmpty, "a frame after Close") }
        }
    }
}

/// A connection without a socket, and what it sent and passed on.
private final class Connection {
    let channel: EmbeddedChannel
    private let wire = Wire()
    private(set) var isOpen = false
    private(set) var passedOn: [UInt8] = []

    var sent: [UInt8] { wire.sent }

    init(frameLimit: Int) throws {
        channel = EmbeddedChannel(handler: wire)
        var settings = WebSocketSettings(path: "/mqtt", subprotocols: ["mqtt", "mqttv3.1"])
        settings.frameLimit = frameLimit
        let deadline = channel.embeddedEventLoop.now + .seconds(10)
        try WebSocketUpgrade(settings, isLoopback: true, deadline: deadline).begin(
            channel, whenLate: {}, whenRefused: { _ in }
        ) { _ in
            self.isOpen = true
        }
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 5)).wait()
    }

    func receive(_ octets: some Sequence<UInt8>) throws {
        // A socket is not read once it is closed. Errors are for handlers further in.
        guard channel.isActive else { return }
        _ = try? channel.writeInbound(ByteBuffer(bytes: octets))
        channel.embeddedEventLoop.run()
    }

    func endHandshakeTime() {
        channel.embeddedEventLoop.advanceTime(by: .seconds(11))
    }

    func collect() throws {
        while let buffer = try channel.readInbound(as: ByteBuffer.self) { passedOn += buffer.readableBytesView }
    }

    /// Waits for the peer's Close, in vain.
    func close() {
        channel.close(promise: nil)
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
    }
}

/// The peer's end: like a socket, and unlike an embedded channel, it gets nothing that is written after the close.
private final class Wire: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private(set) var sent: [UInt8] = []
    private var isClosed = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isClosed else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        sent += unwrapOutboundIn(data).readableBytesView
        promise?.succeed()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        isClosed = isClosed || mode != .input
        context.close(mode: mode, promise: promise)
    }
}
