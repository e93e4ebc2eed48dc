import Logging
import Messaging
import NIOCore
import Transport

/// Drives a `GatewayLoop` on its event loop: reads come from the channels, one timer serves all connections, and what a turn
/// wrote is sent at its end, by the plain socket or through a DTLS session.
final class LoopDriver {
    /// The listener with DTLS.
    struct Secured {
        let socket: DatagramSocket
        let endpoint: DTLSEndpoint<Association>
    }

    let loop: GatewayLoop
    /// Nil when only DTLS is spoken.
    private let plain: DatagramSocket?
    private let secured: Secured?
    private let eventLoop: any EventLoop
    /// Not yet sent because the system's buffer was full.
    private var unsent: [Unsent] = []
    private var timer: (deadline: Timestamp, task: Scheduled<Void>)?
    private var isRetryScheduled = false
    private var isClosed = false

    private static let retrySending = TimeAmount.milliseconds(1)
    private struct Unsent {
        let socket: DatagramSocket
        let remote: SocketAddress
        let local: NIOPacketInfo?
        let datagram: ByteBuffer
    }

    /// Datagrams kept while the system's buffer is full; what comes on top is dropped and counted.
    private static let unsentLimit = 10_000

    init(loop: GatewayLoop, plain: DatagramSocket?, secured: Secured?, eventLoop: any EventLoop) {
        self.loop = loop
        self.plain = plain
        self.secured = secured
        self.eventLoop = eventLoop
        if let plain {
            loop.searchGroup = loop.settings.discoveryGroup.flatMap {
                try? SocketAddress(ipAddress: $0, port: plain.port)
            }
        }
    }

    func receive(_ envelope: AddressedEnvelope<ByteBuffer>, isSecured: Bool) {
        if isSecured { return receiveSecured(envelope) }
        let local = plain?.listensOnAllAddresses == true ? envelope.metadata?.packetInfo : nil
        loop.receive(envelope.data, from: envelope.remoteAddress, to: local)
    }

    private func receiveSecured(_ envelope: AddressedEnvelope<ByteBuffer>) {
        guard let secured else { return }
        let remote = envelope.remoteAddress
        guard secured.endpoint.knows(remote) || loop.isAdmitted(strangerAt: remote) else { return }
        let local = secured.socket.listensOnAllAddresses ? envelope.metadata?.packetInfo : nil
        secured.endpoint.receive(envelope.data, from: remote, to: local, now: loop.now.deadline) {
            message, association in
            loop.receive(message, from: remote, to: local, association: association)
        }
    }

    func finishTurn() {
        guard !isClosed else { return }
        loop.finishTurn { route, datagram in
            if let association = route.peer.association {
                // A session that has ended meanwhile takes what was meant for it along.
                let isSent = secured?.endpoint.send(datagram, to: association.number) ?? false
                if !isSent { loop.counters.datagramsUnsendable.add() }
            } else if let plain {
                append(Unsent(socket: plain, remote: route.peer.remote, local: route.local, datagram: datagram))
            }
        }
        collectSecured()
        sendUnsent()
        scheduleTimer()
    }

    private func collectSecured() {
        guard let secured else { return }
        for (destination, datagram) in secured.endpoint.takeOutgoing() {
            append(
                Unsent(
                    socket: secured.socket, remote: destination.remote, local: destination.local, datagram: datagram))
        }
    }

    private func append(_ datagram: Unsent) {
        guard unsent.count < Self.unsentLimit else { return loop.counters.datagramsUnsendable.add() }
        unsent.append(datagram)
    }

    /// Begins to send ADVERTISE (MQTT-SN 6.1), the first at once: to the broadcast address of IPv4, and to the group.
    func startAdvertising() {
        guard let seconds = loop.settings.advertiseInterval, seconds > 0, let socket = plain else { return }
        let targets = [loop.settings.advertiseAddress, loop.settings.discoveryGroup].lazy.compactMap(\.self)
            .compactMap { try? SocketAddress(ipAddress: $0, port: socket.port) }
            .filter { $0.protocol == socket.protocolFamily }
        loop.beginAdvertising(to: Array(targets), every: seconds)
        runTimers()
    }

    /// Does what is due, also when the clock did not move by itself.
    func runTimers() {
        loop.runTimers()
        secured?.endpoint.runTimers(now: loop.now.deadline)
        finishTurn()
    }

    /// Says goodbye and sends what is left.
    func shutDown() {
        loop.shutDown()
        finishTurn()
        secured?.endpoint.shutDown()
        collectSecured()
        sendUnsent()
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
        for entry in unsent {
            let result = entry.datagram.withUnsafeReadableBytes { octets in
                entry.socket.send(octets, to: entry.remote, from: entry.local)
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
        guard let deadline = nextDeadline, !isClosed else { return }
        if let timer, timer.deadline <= deadline { return }
        timer?.task.cancel()
        let delay = max(deadline.since(loop.now), .zero)
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let task = eventLoop.scheduleTask(in: .nanoseconds(delay.wholeNanoseconds)) { bound.value.timerFired() }
        timer = (deadline, task)
    }

    private var nextDeadline: Timestamp? {
        let handshake = secured?.endpoint.nextDeadline.map { Timestamp(nanoseconds: Int64($0.uptimeNanoseconds)) }
        return [loop.nextDeadline, handshake].lazy.compactMap(\.self).min()
    }

    private func timerFired() {
        timer = nil
        runTimers()
    }
}

/// A channel's end of the driver.
final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let driver: LoopDriver
    private let isSecured: Bool

    init(driver: LoopDriver, isSecured: Bool) {
        self.driver = driver
        self.isSecured = isSecured
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        driver.receive(unwrapInboundIn(data), isSecured: isSecured)
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

extension Timestamp {
    /// The same moment as NIO and Transport count it. Monotonic time is never negative.
    fileprivate var deadline: NIODeadline { .uptimeNanoseconds(UInt64(max(0, nanoseconds))) }
}
