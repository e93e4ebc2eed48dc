import NIOCore
import NIOEmbedded
import NIOWebSocket
import TestKit
import Testing

@testable import Transport

@Suite struct WebSocketStreamTests {
    private let channel: EmbeddedChannel

    init() throws {
        channel = EmbeddedChannel(handler: WebSocketStream())
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 5)).wait()
    }

    private func receive(
        _ opcode: WebSocketOpcode, _ octets: [UInt8] = [], fin: Bool = true, mask: WebSocketMaskingKey? = [1, 2, 3, 4],
        rsv1: Bool = false
    ) throws {
        var data = ByteBuffer(bytes: octets)
        if let mask { data.webSocketMask(mask) }
        try channel.writeInbound(WebSocketFrame(fin: fin, rsv1: rsv1, opcode: opcode, maskKey: mask, data: data))
        channel.embeddedEventLoop.run()
    }

    private func passedOn() throws -> [UInt8] {
        var octets: [UInt8] = []
        while let buffer = try channel.readInbound(as: ByteBuffer.self) { octets += Array(buffer.readableBytesView) }
        return octets
    }

    private func sent() throws -> (opcode: WebSocketOpcode, octets: [UInt8])? {
        try channel.readOutbound(as: WebSocketFrame.self).map { ($0.opcode, Array($0.data.readableBytesView)) }
    }

    /// MQTT-6.0.0-2
    @Test func octetsPassWhateverFramesTheyComeIn() throws {
        try receive(.binary, [1, 2])
        try receive(.binary, [3], fin: false)
        try receive(.continuation, [], fin: false)
        try receive(.ping, [9])
        try receive(.continuation, [4, 5])
        try receive(.binary, [6])
        #expect(try passedOn() == [1, 2, 3, 4, 5, 6])
        #expect(try sent()?.opcode == .pong)
        #expect(channel.isActive)
    }

    @Test func oneWriteIsOneBinaryFrame() throws {
        try channel.writeOutbound(ByteBuffer(bytes: [0xD0, 0]))
        let frame = try #require(try channel.readOutbound(as: WebSocketFrame.self))
        #expect(frame.opcode == .binary && frame.fin && frame.maskKey == nil)
        #expect(Array(frame.data.readableBytesView) == [0xD0, 0])
    }

    /// RFC 6455, 5.1
    @Test func aClientMasksAndItsServerDoesNot() throws {
        let client = EmbeddedChannel(handler: WebSocketStream(.client))
        try client.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 5)).wait()
        try client.writeOutbound(ByteBuffer(bytes: [1]))
        #expect(try client.readOutbound(as: WebSocketFrame.self)?.maskKey != nil)
        try client.writeInbound(WebSocketFrame(fin: true, opcode: .binary, data: ByteBuffer(bytes: [2])))
        #expect(try client.readInbound(as: ByteBuffer.self) == ByteBuffer(bytes: [2]))
        try client.writeInbound(
            WebSocketFrame(fin: true, opcode: .binary, maskKey: [1, 2, 3, 4], data: ByteBuffer(bytes: [3])))
        #expect(try client.readOutbound(as: WebSocketFrame.self)?.opcode == .connectionClose)
    }

    @Test func aPingIsAnsweredWithItsOctets() throws {
        try receive(.ping, [1, 2, 3])
        let answer = try sent()
        #expect(answer?.opcode == .pong)
        #expect(answer?.octets == [1, 2, 3])
    }

    struct Offence: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: [UInt8]
        let commit: @Sendable (WebSocketStreamTests) throws -> Void
    }

    static let offences = [
        // MQTT-6.0.0-1
        Offence(testDescription: "text", code: [0x03, 0xEB]) { try $0.receive(.text, Array("hello".utf8)) },
        Offence(testDescription: "not masked", code: [0x03, 0xEA]) { try $0.receive(.binary, [1], mask: nil) },
        Offence(testDescription: "reserved bit", code: [0x03, 0xEA]) { try $0.receive(.binary, [1], rsv1: true) },
        Offence(testDescription: "nothing to continue", code: [0x03, 0xEA]) { try $0.receive(.continuation, [1]) },
        Offence(testDescription: "message inside a message", code: [0x03, 0xEA]) {
            try $0.receive(.binary, [], fin: false)
            try $0.receive(.binary, [1])
        },
        Offence(testDescription: "reserved opcode", code: [0x03, 0xEA]) {
            try $0.receive(try #require(WebSocketOpcode(encodedWebSocketOpcode: 3)), [1])
        },
    ]

    @Test(arguments: offences) func anOffenceIsAnsweredWithItsCodeAndTheEnd(_ offence: Offence) throws {
        try offence.commit(self)
        let answer = try sent()
        #expect(answer?.opcode == .connectionClose)
        #expect(answer?.octets == offence.code)
        #expect(try passedOn().isEmpty)
        #expect(!channel.isActive)
    }

    @Test func thePeersCloseIsEchoed() throws {
        try receive(.connectionClose, [0x03, 0xE8])
        let answer = try sent()
        #expect(answer?.opcode == .connectionClose)
        #expect(answer?.octets == [0x03, 0xE8])
        #expect(!channel.isActive)
    }

    @Test func ourCloseWaitsForThePeersAndTakesNothingElse() throws {
        let closed = channel.close()
        #expect(try sent()?.octets == [0x03, 0xE8])
        try receive(.binary, [1])
        #expect(try passedOn().isEmpty)
        #expect(channel.isActive)
        try receive(.connectionClose, [0x03, 0xE8])
        #expect(!channel.isActive)
        try closed.wait()
    }

    @Test func ourCloseDoesNotWaitForEver() throws {
        let closed = channel.close()
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
        try closed.wait()
    }
}
