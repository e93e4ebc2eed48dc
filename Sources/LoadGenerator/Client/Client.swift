import Glibc
import MQTTCodec
import NIOCore

/// One MQTT connection: greets the broker, cuts what arrives into packets, acknowledges deliveries, and gathers what a turn of
/// the loop sends into one write.
final class Client: Pollable {
    private enum Stage { case connecting, greeting, open, closed }

    let identifier: String
    let descriptor: Int32
    let version: ProtocolVersion
    /// Nil once the client is closed: role and client may hold each other.
    private var role: (any ClientRole)?
    private unowned let loop: LoadLoop
    private var token = 0
    private var stage = Stage.connecting
    /// The beginning of a packet whose end has not come.
    private var rest: [UInt8] = []
    private var outgoing: [UInt8] = []
    /// Octets of `outgoing` the socket has taken.
    private var written = 0
    private var isFlushing = false
    private var wantsToWrite = true

    /// Begins to connect; `role` hears of the rest.
    init(_ connect: Connect, to address: ResolvedAddress, role: any ClientRole, on loop: LoadLoop) throws(LoadError) {
        identifier = connect.clientIdentifier
        version = connect.version
        self.role = role
        self.loop = loop
        descriptor = try address.connect()
        token = try loop.add(self, writable: true)
        append(.connect(connect))
    }

    deinit { if stage != .closed { close(descriptor) } }

    /// False once `disconnect` was called or the broker has closed.
    var isOpen: Bool { stage == .open }

    // MARK: Sending

    func send(_ packet: Packet) {
        append(packet)
        flushSoon()
    }

    /// Sends octets that are packets.
    func send(_ octets: [UInt8]) {
        outgoing.append(contentsOf: octets)
        flushSoon()
    }

    /// Says DISCONNECT and closes; `role` hears no more.
    func disconnect() {
        guard stage != .closed else { return }
        if stage == .open {
            append(.disconnect(Disconnect()))
            _ = StreamSocket.write(descriptor, outgoing, from: written)
        }
        leave()
    }

    private func append(_ packet: Packet) {
        var buffer = ByteBuffer()
        PacketEncoder.encode(packet, into: &buffer, version: version)
        outgoing.append(contentsOf: buffer.readableBytesView)
    }

    private func flushSoon() {
        guard !isFlushing, !wantsToWrite else { return }
        isFlushing = true
        loop.flushLater(self)
    }

    func flush(_ loop: LoadLoop) throws(LoadError) {
        isFlushing = false
        guard stage != .closed else { return }
        if case .octets(let count) = StreamSocket.write(descriptor, outgoing, from: written) { written += count }
        // A broken connection shows when reading.
        if written == outgoing.count {
            outgoing.removeAll(keepingCapacity: outgoing.count <= 1 << 20)
            written = 0
        }
        try want(writable: !outgoing.isEmpty)
    }

    private func want(writable: Bool) throws(LoadError) {
        guard writable != wantsToWrite else { return }
        wantsToWrite = writable
        try loop.want(token, writable: writable)
    }

    func writable(_ loop: LoadLoop) throws(LoadError) {
        if stage == .connecting {
            let number = StreamSocket.error(descriptor)
            guard number == 0 else { throw .system(number) }
            stage = .greeting
        }
        guard stage != .closed else { return }
        try flush(loop)
    }

    // MARK: Receiving

    func readable(_ loop: LoadLoop) throws(LoadError) {
        guard stage == .greeting || stage == .open else { return }
        // Out of the loop while it is read, so that reading needs no checks of exclusive access.
        var inbox: [UInt8] = []
        swap(&inbox, &loop.inbox)
        defer { swap(&inbox, &loop.inbox) }
        let begun = rest.count
        if begun > 0 { inbox.replaceSubrange(0..<begun, with: rest) }
        switch StreamSocket.read(descriptor, into: &inbox, from: begun) {
        case .wouldBlock: break
        case .closed:
            let role = role
            leave()
            try role?.closed(self)
        case .octets(let count):
            let taken = try consume(inbox.span, count: begun + count)
            rest.removeAll(keepingCapacity: true)
            if taken < begun + count { rest.append(contentsOf: inbox[taken..<(begun + count)]) }
            guard rest.count < inbox.count else { throw .protocolViolation(client: identifier) }
        }
    }

    /// - Returns: octets of whole packets.
    private func consume(_ octets: borrowing Span<UInt8>, count: Int) throws(LoadError) -> Int {
        var offset = 0
        while stage != .closed {
            switch Frame.read(octets, at: offset, count: count) {
            case .incomplete: return offset
            case .malformed: throw .protocolViolation(client: identifier)
            case .frame(let frame):
                try receive(frame, octets, from: offset)
                offset = frame.end
            }
        }
        return count
    }

    private func receive(_ frame: Frame, _ octets: borrowing Span<UInt8>, from offset: Int) throws(LoadError) {
        switch frame.type {
        case .publish:
            guard stage == .open, let delivery = Delivery(frame, in: octets, version: version) else {
                throw .protocolViolation(client: identifier)
            }
            try role?.received(delivery, by: self)
            switch delivery.qos {
            case .atMostOnce: break
            case .atLeastOnce: answer(.puback, delivery.identifier)
            case .exactlyOnce: answer(.pubrec, delivery.identifier)
            }
        case .puback: try role?.published(acknowledged(frame, octets, "PUBLISH"), by: self)
        case .pubrec: answer(.pubrel, try acknowledged(frame, octets, "PUBLISH"))
        case .pubrel: answer(.pubcomp, try acknowledged(frame, octets, "PUBREC"))
        case .pubcomp: try role?.published(acknowledged(frame, octets, "PUBREL"), by: self)
        default: try receiveRare(octets, offset..<frame.end)
        }
    }

    /// The identifier of an acknowledgement that reports no failure.
    private func acknowledged(
        _ frame: Frame, _ octets: borrowing Span<UInt8>, _ request: String
    ) throws(LoadError) -> UInt16 {
        guard stage == .open, frame.end - frame.start >= 2 else { throw .protocolViolation(client: identifier) }
        if frame.end - frame.start > 2, let code = ReasonCode(rawValue: octets[frame.start + 2]), code.isFailure {
            throw .refused(client: identifier, what: request, code)
        }
        return UInt16(truncatingIfNeeded: octets.bigEndian(at: frame.start, octets: 2))
    }

    private func answer(_ type: PacketType, _ identifier: UInt16) {
        let first = type.rawValue << 4 | (type == .pubrel ? 0b0010 : 0)
        outgoing.append(first)
        outgoing.append(2)
        outgoing.append(UInt8(identifier >> 8))
        outgoing.append(UInt8(truncatingIfNeeded: identifier))
        flushSoon()
    }

    /// Packets that come once or now and then are left to the codec.
    private func receiveRare(_ octets: borrowing Span<UInt8>, _ range: Range<Int>) throws(LoadError) {
        var buffer = ByteBufferAllocator().buffer(capacity: range.count)
        for index in range { buffer.writeInteger(octets[index]) }
        var decoder = PacketDecoder(reading: .server, version: version)
        guard let packet = try? decoder.decode(from: &buffer) else { throw .protocolViolation(client: identifier) }
        switch packet {
        case .connack(let answer):
            guard !answer.reasonCode.isFailure else {
                throw .refused(client: identifier, what: "CONNECT", answer.reasonCode)
            }
            stage = .open
            try role?.opened(self, answer)
        case .suback(let answer):
            for code in answer.reasonCodes where code.isFailure {
                throw .refused(client: identifier, what: "SUBSCRIBE", code)
            }
            try role?.received(packet, by: self)
        case .disconnect(let disconnect):
            throw .refused(client: identifier, what: "what was sent", disconnect.reasonCode)
        default: try role?.received(packet, by: self)
        }
    }

    private func leave() {
        stage = .closed
        role = nil
        loop.remove(token)
        close(descriptor)
    }
}
