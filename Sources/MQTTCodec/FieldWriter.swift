/// Writes fields one after the other into room that is known to suffice: the hot path's way of writing.
struct FieldWriter {
    private let bytes: UnsafeMutableRawBufferPointer
    private(set) var position = 0

    init(_ bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }

    @inline(__always)
    mutating func write(_ byte: UInt8) {
        bytes[position] = byte
        position += 1
    }

    @inline(__always)
    mutating func write(_ value: UInt16) {
        bytes.storeBytes(of: value.bigEndian, toByteOffset: position, as: UInt16.self)
        position += 2
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
            UnsafeMutableRawBufferPointer(rebasing: bytes[position...]).copyMemory(from: field)
        }
        position += field.byteCount
    }
}
