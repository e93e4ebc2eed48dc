import Logging
import Messaging
import NIOCore

/// Drives a `GatewayLoop` on its event loop: reads come from the channel, one timer serves all connections, and what a turn
/// wrote is sent at its end.
final class LoopDriver {
    let loop: GatewayLoop
    private let socket: DatagramSocket
    private let eventLoop: any EventLoop
    /// Not yet sent because the system's buffer was full.
    private var unsent: [(route: Route, datagram: ByteBuffer)] = []
    private var timer: (deadline: Timestamp, task: Scheduled<Void>)?
    private var isRetryScheduled = false
    private var isClosed = false

    private static let retrySending = TimeAmount.milliseconds(1)
    /// Datagrams kept while the system's buffer is full; what comes on top is dropped and counted.
    private static let unsentLimit = 10_000

    init(loop: GatewayLoop, socket: DatagramSocket, eventLoop: any EventLoop) {
        self.loop = loop
        self.socket = socket
        self.eventLoop = eventLoop
    }

    func receive(_ envelope: AddressedEnvelope<ByteBuffer>) {
        let local = socket.listensOnAllAddresses ? envelope.metadata?.packetInfo : nil
        loop.receive(envelope.data, from: envelope.remoteAddress, to: local)
    }

    func finishTurn() {
        guard !isClosed else { return }
        loop.finishTurn { route, datagram in
            if unsent.count < Self.unsentLimit {
                unsent.append((route, datagram))
            } else {
                loop.counters.datagramsUnsendable.add()
            }
        }
        sendUnsent()
        scheduleTimer()
    }

    /// Begins to send ADVERTISE (MQTT-SN 6.1), the first at once: to the broadcast address of IPv4, and to the group.
    func startAdvertising() {
        guard let seconds = loop.settings.advertiseInterval, seconds > 0 else { return }
        let targets = [loop.settings.advertiseAddress, loop.settings.discoveryGroup].lazy.compactMap(\.self)
            .compactMap { try? SocketAddress(ipAddress: $0, port: self.socket.port) }
            .filter { $0.protocol == self.socket.protocolFamily }
        loop.beginAdvertising(to: Array(targets), every: seconds)
        runTimers()
    }

    /// Does what is due, also when the clock did not move by itself.
    func runTimers() {
        loop.runTimers()
        finishTurn()
    }

    /// Says goodbye and sends what is left.
    func shutDown() {
        loop.shutDown()
        finishTurn()
        channelClosed()
    }

    /// The channel has gone, and the descriptor with it: nothing may be sent through that number again.
    func channelClosed() {
        isClosed = true
        timer?.task.cancel()
    }

    private func sendUnsent() {
        guard !isClosed else { return }
        var sent = 0
        defer {
            unsent.removeFirst(sent)
            loop.isWritable = unsent.isEmpty
        }
        for (route, datagram) in unsent {
            let result = datagram.withUnsafeReadableBytes { octets in
                socket.send(octets, to: route.peer.remote, from: route.local)
            }
            switch result {
            case .sent: break
            case .wouldBlock: return sendLater()
            case .refused: loop.counters.datagramsUnsendable.add()
            }
            sent += 1
        }
    }

    private func sendLater() {
        guard !isRetryScheduled else { return }
        isRetryScheduled = true
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: Self.retrySending) {
            bound.value.isRetryScheduled = false
            bound.value.sendUnsent()
            bound.value.loop.becameWritable()
            bound.value.finishTurn()
        }
    }

    private func scheduleTimer() {
        guard let deadline = loop.nextDeadline, !isClosed else { return }
        if let timer, timer.deadline <= deadline { return }
        timer?.task.cancel()
        let delay = max(deadline.since(loop.now), .zero)
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let task = eventLoop.scheduleTask(in: .nanoseconds(delay.wholeNanoseconds)) { bound.value.timerFired() }
        timer = (deadline, task)
    }

    private func timerFired() {
        timer = nil
        runTimers()
    }
}

/// The channel's end of the driver.
final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let driver: LoopDriver

    init(driver: LoopDriver) {
        self.driver = driver
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        driver.receive(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        driver.finishTurn()
    }

    func channelInactive(context: ChannelHandlerContext) {
        driver.channelClosed()
    }

    /// An unreachable peer makes a read fail now and then; the socket serves on.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        driver.loop.logger.log(.debug, "reading from the socket failed once", [.error: "\(error)"])
    }
}
