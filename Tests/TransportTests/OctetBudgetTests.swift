import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOWebSocket
import Testing

@testable import Transport

/// What many connections hold together of what is not complete.
@Suite struct OctetBudgetTests {
    /// Notes what arrives behind the layer under test.
    private final class Sink: ChannelInboundHandler {
        typealias InboundIn = WebSocketFrame
        var isOver = false
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event is UnfinishedOverBudget { isOver = true }
        }
    }

    private final class Overs { var count = 0 }

    private static func receive(_ octets: [UInt8], _ channel: EmbeddedChannel) {
        // A channel that has been closed takes nothing any more.
        _ = try? channel.writeInbound(ByteBuffer(bytes: octets))
    }

    /// A binary frame of `count` octets, masked with zeros.
    private static func frame(_ count: Int) -> [UInt8] {
        [0x82, 0xFE, UInt8(count >> 8), UInt8(count & 0xFF), 0, 0, 0, 0] + [UInt8](repeating: 7, count: count)
    }

    private static func webSocket(_ budget: OctetBudget, _ sink: Sink) throws -> EmbeddedChannel {
        let frames = WebSocketFrames(limit: 10_000, budget: budget)
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandlers(ByteToMessageHandler(frames), sink)
        return channel
    }

    @Test func halfFramesCountAndWholeOnesDoNot() throws {
        let budget = OctetBudget(limit: 1_500)
        let (first, second) = (Sink(), Sink())
        let channels = (try Self.webSocket(budget, first), try Self.webSocket(budget, second))
        Self.receive(Self.frame(2_000) + Array(Self.frame(2_000).prefix(1_000)), channels.0)
        #expect((900...1_000).contains(budget.current) && !first.isOver)
        for piece in 0..<10 { Self.receive(Array(Self.frame(2_000).dropFirst(piece * 100).prefix(100)), channels.1) }
        #expect(second.isOver && !first.isOver)
        // Who went beyond holds nothing more, whatever else it sends.
        Self.receive([UInt8](repeating: 7, count: 5_000), channels.1)
        #expect((900...1_000).contains(budget.current))
        Self.receive(Array(Self.frame(2_000).dropFirst(1_000)), channels.0)
        #expect(budget.current == 0)
        Self.receive(Array(Self.frame(2_000).prefix(500)), channels.0)
        _ = try? channels.0.finish()
        _ = try? channels.1.finish()
    }

    /// However they are cut; a record without content is one, too.
    @Test(arguments: [1, 2, 3, 7, 100, 10_000])
    func halfTLSRecordsCount(piece: Int) throws {
        let budget = OctetBudget(limit: 10_000), overs = Overs()
        let channel = EmbeddedChannel()
        let records = TLSRecords(budget: budget) { overs.count += 1 }
        records.beginCounting()
        try channel.pipeline.syncOperations.addHandler(records)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 5)).wait()
        let whole: [UInt8] = [0x17, 3, 3, 0, 0, 0x17, 3, 3, 0x01, 0x02] + [UInt8](repeating: 0x17, count: 258)
        let half: [UInt8] = [0x16, 3, 3, 0x02, 0x00] + [UInt8](repeating: 0xFF, count: 300)
        var rest = (whole + whole + half)[...]
        while !rest.isEmpty {
            Self.receive(Array(rest.prefix(piece)), channel)
            rest = rest.dropFirst(piece)
        }
        #expect(budget.current == half.count)
        Self.receive([UInt8](repeating: 0, count: 512 - 300), channel)
        #expect(budget.current == 0 && overs.count == 0)
        Self.receive(half, channel)
        _ = try channel.finish(acceptAlreadyClosed: true)
        #expect(budget.current == 0)
    }

    @Test func whoGoesBeyondTheBudgetIsClosed() throws {
        let budget = OctetBudget(limit: 1_000), overs = Overs()
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(OpeningOctets(budget: budget) { overs.count += 1 })
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 5)).wait()
        for _ in 0..<10 { Self.receive([UInt8](repeating: 0, count: 100), channel) }
        #expect(channel.isActive && budget.current == 1_000)
        Self.receive([0], channel)
        #expect(!channel.isActive && overs.count == 1)
        _ = try channel.finish(acceptAlreadyClosed: true)
        #expect(budget.current == 0)
    }
}
