import MQTTCodec
import NIOCore

/// Carries one role over one MQTT 5.0 connection: one read, one write.
final class LoadHandler<Role: LoadRole>: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let clientID: String
    private var role: Role
    private let report: Shared<LoadReport>
    private var decoder = PacketDecoder(reading: .server, version: .v5)
    private var received = ByteBuffer()
    private var outgoing = ByteBuffer()

    init(clientID: String, role: Role, report: Shared<LoadReport>) {
        self.clientID = clientID
        self.role = role
        self.report = report
    }

    func channelActive(context: ChannelHandlerContext) {
        send([.connect(Connect(version: .v5, clientIdentifier: clientID))], context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.discardReadBytes()
        received.writeBuffer(&bytes)
        var answers: [Packet] = []
        do {
            while let packet = try decoder.decode(from: &received) {
                switch packet {
                case .connack(let answer) where !answer.reasonCode.isFailure: answers += role.begin()
                case .connack, .disconnect: fail("\(packet)")
                default: answers += role.receive(packet)
                }
            }
        } catch {
            fail("\(error)")
        }
        report.change { self.role.tell(&$0) }
        send(answers, context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail("the connection closed")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail("\(error)")
        context.close(promise: nil)
    }

    private func send(_ packets: [Packet], _ context: ChannelHandlerContext) {
        guard !packets.isEmpty else { return }
        outgoing.clear()
        for packet in packets { PacketEncoder.encode(packet, into: &outgoing, version: .v5) }
        context.writeAndFlush(wrapOutboundOut(outgoing), promise: nil)
    }

    private func fail(_ reason: String) {
        report.change { if !$0.isOver { $0.failures.append("\(self.clientID): \(reason)") } }
    }
}
