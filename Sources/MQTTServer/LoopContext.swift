import MQTTCodec
import Messaging
import NIOCore
import Transport

/// What the connections of one event loop share: lists and buffers that each needs only while it is served, so that an idle
/// connection holds none.
final class LoopContext {
    /// Larger buffers are given back to the system after use.
    private static let bufferLimit = 1_048_576
    /// Buffers up to this size are kept for answers: enough of them for a turn in which many clients are answered.
    private static let answerLimit = 4_096
    private static let spareAnswersLimit = 256

    private let eventLoop: any EventLoop
    let wakeList: WakeList
    /// Of plain connections; the others have their own.
    let receiveBuffer = ReceiveBuffer()
    /// Open connections, for the end of the gateway.
    var connections: [ObjectIdentifier: ConnectionHandler] = [:]
    /// Connections on their way to MQTT, behind a proxy's header, a TLS handshake or an HTTP request.
    private(set) var begun: [ObjectIdentifier: any Channel] = [:]
    private var spareBatch = PublishBatch()
    private var spareOutcomes: [PublishOutcome] = []
    private var spareDeliveries: [Delivery] = []
    private var spareIdentifiers: [UInt16] = []
    private var spareFilters = FilterBatch()
    private var spareBuffer = ByteBuffer()
    private var spareAnswers: [ByteBuffer] = []
    /// Connections that have something to write when this turn of the loop ends.
    private var unflushed: [ConnectionHandler] = []
    private var loneReads = LoneReads()
    /// A task of the loop ends this turn.
    private var isTurnEnding = false

    /// - Parameter lane: as of `SessionOwner`; another for each event loop.
    init(eventLoop: any EventLoop, lane: UInt8) {
        self.eventLoop = eventLoop
        wakeList = WakeList(eventLoop: eventLoop, lane: lane)
    }

    /// From here to `end` the connection is closed with the gateway.
    func begin(_ channel: any Channel) {
        begun[ObjectIdentifier(channel)] = channel
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.end(channel) }
    }

    func end(_ channel: any Channel) {
        begun.removeValue(forKey: ObjectIdentifier(channel))
    }

    func lendBatch() -> PublishBatch { exchange(&spareBatch, PublishBatch()) }

    func takeBack(_ batch: consuming PublishBatch) {
        batch.removeAll()
        swap(&spareBatch, &batch)
    }

    func lendOutcomes() -> [PublishOutcome] { exchange(&spareOutcomes, []) }

    func takeBack(_ outcomes: inout [PublishOutcome]) { takeBack(&outcomes, to: &spareOutcomes) }

    func lendDeliveries() -> [Delivery] { exchange(&spareDeliveries, []) }

    func takeBack(_ deliveries: inout [Delivery]) { takeBack(&deliveries, to: &spareDeliveries) }

    func lendIdentifiers() -> [UInt16] { exchange(&spareIdentifiers, []) }

    func takeBack(_ identifiers: inout [UInt16]) { takeBack(&identifiers, to: &spareIdentifiers) }

    func lendFilters() -> FilterBatch { exchange(&spareFilters, FilterBatch()) }

    func takeBack(_ filters: consuming FilterBatch) {
        filters.removeAll()
        swap(&spareFilters, &filters)
    }

    /// An empty buffer for deliveries, whose storage is the last one's when that has been written out already.
    func lendBuffer() -> ByteBuffer { cleared(exchange(&spareBuffer, ByteBuffer())) }

    /// An empty buffer for answers, which wait for the end of the turn.
    func lendAnswerBuffer() -> ByteBuffer { cleared(spareAnswers.popLast() ?? ByteBuffer()) }

    private func cleared(_ buffer: consuming ByteBuffer) -> ByteBuffer {
        var buffer = buffer
        buffer.clear()
        return buffer
    }

    /// The largest is for deliveries.
    func takeBack(_ buffer: inout ByteBuffer) {
        if spareBuffer.capacity < buffer.capacity, buffer.capacity <= Self.bufferLimit { swap(&buffer, &spareBuffer) }
        guard 1...Self.answerLimit ~= buffer.capacity, spareAnswers.count < Self.spareAnswersLimit else { return }
        spareAnswers.append(buffer)
    }

    /// Ends what one read brought to a connection. What that leaves to do, to serve who was woken and to write, is done at the end of the turn.
    func endRead(_ body: () -> Void) {
        guard wakeList.beginCollecting() else { return body() }
        body()
        wakeList.endCollecting()
        wakeList.serveAfterMuch()
        guard wakeList.owesPass || !unflushed.isEmpty else { return }
        if loneReads.isAlone() { doWhatIsLeft() } else { endTurnLater() }
    }

    /// Lets `handler` write at the end of this turn of the loop, when all that has come in on any connection has been dealt with. Who waits for
    /// one answer is woken by it; who waits for several, or for deliveries, too, finds them all.
    func flushLater(_ handler: ConnectionHandler) {
        unflushed.append(handler)
        if !wakeList.isCollecting { endTurnLater() }
    }

    private func endTurnLater() {
        guard !isTurnEnding else { return }
        isTurnEnding = true
        eventLoop.assumeIsolated().execute {
            self.isTurnEnding = false
            self.loneReads.endTurn()
            self.doWhatIsLeft()
        }
    }

    private func doWhatIsLeft() {
        if wakeList.owesPass { wakeList.serve() }
        flush()
    }

    private func flush() {
        if unflushed.count == 1, let handler = unflushed.popLast() { return handler.flush() }
        var handlers: [ConnectionHandler] = []
        swap(&handlers, &unflushed)
        for handler in handlers { handler.flush() }
        handlers.empty()
        if unflushed.isEmpty { swap(&handlers, &unflushed) }
    }

    /// A client identifier nobody can guess or meet twice.
    func makeClientIdentifier() -> String {
        let random = UInt128(UInt64.random(in: 0...UInt64.max)) << 64 | UInt128(UInt64.random(in: 0...UInt64.max))
        return "auto-" + String(random, radix: 36)
    }

    /// By reference: of a list that its lender still holds, too, emptying would make a copy first.
    private func takeBack<Element>(_ list: inout [Element], to place: inout [Element]) {
        list.empty()
        swap(&list, &place)
    }

    private func exchange<Value: ~Copyable>(_ place: inout Value, _ value: consuming Value) -> Value {
        swap(&place, &value)
        return value
    }
}
