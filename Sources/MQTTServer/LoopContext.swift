import MQTTCodec
import Messaging
import NIOCore

/// What the connections of one event loop share: lists and buffers that each needs only while it is served, so that an idle
/// connection holds none.
final class LoopContext {
    /// Larger buffers are given back to the system after use.
    private static let bufferLimit = 1_048_576

    let wakeList: WakeList
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

    init(eventLoop: any EventLoop) {
        wakeList = WakeList(eventLoop: eventLoop)
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

    func takeBack(_ outcomes: consuming [PublishOutcome]) {
        outcomes.removeAll(keepingCapacity: true)
        spareOutcomes = outcomes
    }

    func lendDeliveries() -> [Delivery] { exchange(&spareDeliveries, []) }

    func takeBack(_ deliveries: consuming [Delivery]) {
        deliveries.removeAll(keepingCapacity: true)
        spareDeliveries = deliveries
    }

    func lendIdentifiers() -> [UInt16] { exchange(&spareIdentifiers, []) }

    func takeBack(_ identifiers: consuming [UInt16]) {
        identifiers.removeAll(keepingCapacity: true)
        spareIdentifiers = identifiers
    }

    func lendFilters() -> FilterBatch { exchange(&spareFilters, FilterBatch()) }

    func takeBack(_ filters: consuming FilterBatch) {
        filters.removeAll()
        swap(&spareFilters, &filters)
    }

    /// An empty buffer, whose storage is the last one's when that has been written out already.
    func lendBuffer() -> ByteBuffer {
        var buffer = exchange(&spareBuffer, ByteBuffer())
        buffer.clear()
        return buffer
    }

    func takeBack(_ buffer: ByteBuffer) {
        if buffer.capacity <= Self.bufferLimit { spareBuffer = buffer }
    }

    /// A client identifier nobody can guess or meet twice.
    func makeClientIdentifier() -> String {
        let random = UInt128(UInt64.random(in: 0...UInt64.max)) << 64 | UInt128(UInt64.random(in: 0...UInt64.max))
        return "auto-" + String(random, radix: 36)
    }

    private func exchange<Value: ~Copyable>(_ place: inout Value, _ value: consuming Value) -> Value {
        swap(&place, &value)
        return value
    }
}
