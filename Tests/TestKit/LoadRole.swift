import MQTTCodec
import NIOCore

/// What a client of the load generator does once it is connected; a value that turns packets into packets.
protocol LoadRole: Sendable {
    /// CONNACK has come: what to send first.
    mutating func begin() -> [Packet]
    mutating func receive(_ packet: Packet) -> [Packet]
    /// Called after each read with what the role has to tell.
    mutating func tell(_ report: inout LoadReport)
}

/// What happened in a run so far.
package struct LoadReport: Sendable {
    package var published = 0
    package var received = 0
    package var doubled = 0
    package var outOfOrder = 0
    package var failures: [String] = []
    var subscribersReady = 0
    var streamsEnded = 0
    var isOver = false
}

/// The numbered message of the generator: publisher's number, message number, padding to 64 octets.
enum LoadPayload {
    /// Number of the last message of a publisher. It goes out at QoS 1 even where the run is at QoS 0, so that it arrives.
    static let end = UInt64.max
    private static let padding = [UInt8](repeating: 0x61, count: 52)

    static func make(publisher: UInt32, number: UInt64) -> ByteBuffer {
        var payload = ByteBuffer()
        payload.writeInteger(publisher)
        payload.writeInteger(number)
        payload.writeBytes(padding)
        return payload
    }

    static func read(_ payload: ByteBuffer) -> (publisher: UInt32, number: UInt64)? {
        var payload = payload
        return payload.readMultipleIntegers(as: (UInt32, UInt64).self).map { ($0.0, $0.1) }
    }
}
