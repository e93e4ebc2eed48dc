import NIOCore

/// The length format of MQTT: seven bits a byte, lowest first, top bit set while more follow; four bytes at most
/// (MQTT 5.0, 1.5.5).
enum VariableByteInteger {
    static let maximum = 268_435_455

    /// Bytes that `value` takes.
    static func size(of value: Int) -> Int {
        switch value {
        case ..<0x80: 1
        case ..<0x4000: 2
        case ..<0x20_0000: 3
        default: 4
        }
    }

    enum Peek: Equatable {
        case needsMore
        case malformed
        /// - `isMinimal`: no shorter form exists (MQTT-1.5.5-1).
        case value(Int, size: Int, isMinimal: Bool)
    }

    /// Reads the integer at `index`.
    static func peek(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Peek {
        var value = 0
        for position in 0..<4 {
            guard index + position < bytes.count else { return .needsMore }
            let byte = bytes[index + position]
            value |= Int(byte & 0x7F) << (7 * position)
            if byte < 0x80 { return .value(value, size: position + 1, isMinimal: position == 0 || byte != 0) }
        }
        return .malformed
    }
}

extension ByteBuffer {
    mutating func writeVariableByteInteger(_ value: Int) {
        precondition((0...VariableByteInteger.maximum).contains(value), "lengths are bounded before they are written")
        var rest = value
        while rest >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(truncatingIfNeeded: rest))
    }

    /// Writes what `body` writes, and its length before it. One byte is set aside for the length; when it turns out to need
    /// more, the body is moved up, which is rare: few control packets have 128 bytes.
    mutating func writeWithVariableLength(_ body: (inout ByteBuffer) -> Void) {
        let start = writerIndex
        writeInteger(UInt8(0))
        body(&self)
        let length = writerIndex - start - 1
        let lengthSize = VariableByteInteger.size(of: length)
        if lengthSize > 1 { moveUp(from: start + 1, by: lengthSize - 1) }
        let end = writerIndex
        moveWriterIndex(to: start)
        writeVariableByteInteger(length)
        moveWriterIndex(to: end)
    }

    private mutating func moveUp(from index: Int, by distance: Int) {
        let length = writerIndex - index
        writeRepeatingByte(0, count: distance)
        let offset = index - readerIndex
        withUnsafeMutableReadableBytes { bytes in
            let source = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
            UnsafeMutableRawBufferPointer(rebasing: bytes[(offset + distance)...]).copyMemory(from: source)
        }
    }
}
