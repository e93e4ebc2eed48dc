import Glibc

/// Writes fields one after the other into room that is known to suffice: the hot path's way of writing.
struct FieldWriter {
    private let room: UnsafeMutableRawBufferPointer
    private var cursor: UnsafeMutableRawPointer

    /// - Parameter room: not empty.
    init(_ room: UnsafeMutableRawBufferPointer) {
        self.room = room
        cursor = room.baseAddress.unsafelyUnwrapped
    }

    /// Octets written.
    var position: Int { cursor - room.baseAddress.unsafelyUnwrapped }

    private func hasRoom(_ count: Int) -> Bool { position + count <= room.count }

    @inline(__always)
    mutating func write(_ byte: UInt8) {
        assert(hasRoom(1))
        cursor.storeBytes(of: byte, as: UInt8.self)
        cursor += 1
    }

    @inline(__always)
    mutating func write(_ value: UInt16) {
        assert(hasRoom(2))
        cursor.storeBytes(of: value.bigEndian, as: UInt16.self)
        cursor += 2
    }

    /// A variable byte integer (MQTT 5.0, 1.5.5).
    @inline(__always)
    mutating func write(variable value: Int) {
        var rest = value
        while rest >= 0x80 {
            write(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        write(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    mutating func write(_ field: RawSpan) {
        field.withUnsafeBytes { field in
            assert(hasRoom(field.count))
            guard let octets = field.baseAddress else { return }
            memcpy(cursor, octets, field.count)
            cursor += field.count
        }
    }
}
