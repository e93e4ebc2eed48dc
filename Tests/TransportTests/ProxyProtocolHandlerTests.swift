import NIOCore
import NIOEmbedded
import Testing

@testable import Transport

@Suite struct ProxyProtocolHandlerTests {
    private let channel = EmbeddedChannel()
    private let log = Log()

    private final class Log {
        var outcomes: [ProxyProtocolHandler.Outcome] = []
    }

    init() throws {
        let log = log
        let deadline = channel.embeddedEventLoop.now + .seconds(10)
        let handler = ProxyProtocolHandler(deadline: deadline) { _, outcome in log.outcomes.append(outcome) }
        try channel.pipeline.syncOperations.addHandler(handler)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 5)).wait()
    }

    private var isInPlace: Bool {
        (try? channel.pipeline.syncOperations.handler(type: ProxyProtocolHandler.self)) != nil
    }

    @Test func handsOverTheHeaderPassesTheRestOnAndLeaves() throws {
        for octet in "PROXY UNKNOWN\r".utf8 { try channel.writeInbound(ByteBuffer(bytes: [octet])) }
        #expect(log.outcomes.isEmpty)
        try channel.writeInbound(ByteBuffer(string: "\nrest"))
        #expect(log.outcomes == [.header(ProxyHeader(source: nil))])
        #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(string: "rest"))
        channel.embeddedEventLoop.run()
        #expect(!isInPlace)
        try channel.writeInbound(ByteBuffer(string: "more"))
        #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(string: "more"))
        channel.embeddedEventLoop.advanceTime(by: .seconds(11))
        #expect(channel.isActive)
    }

    @Test func closesAConnectionThatBeginsOtherwise() throws {
        try channel.writeInbound(ByteBuffer(bytes: [0x10, 0x0C]))
        channel.embeddedEventLoop.run()
        #expect(log.outcomes == [.malformed(.signature)])
        #expect(!channel.isActive)
    }

    @Test func closesAConnectionThatTakesTooLong() throws {
        try channel.writeInbound(ByteBuffer(string: "PROXY "))
        channel.embeddedEventLoop.advanceTime(by: .seconds(11))
        #expect(log.outcomes == [.timeout])
        #expect(!channel.isActive)
    }
}
