import NIOCore

extension ByteBuffer {
    /// The version a datagram names by its own bytes: those of a CONNECT, and of what only 2.0 has. Nil when it could be of either.
    ///
    /// CONNECT of 1.2 is type 04 with 01 in its fourth octet and at least seven octets, where a PUBACK of 2.0 has five; CONNECT
    /// of 2.0 is type 01 with at least ten octets and 02 as its version, where a SEARCHGW of 1.2 has three.
    var statedVersion: ProtocolVersion? {
        let start = readerIndex + (getInteger(at: readerIndex, as: UInt8.self) == 1 ? 3 : 1)
        guard let code = getInteger(at: start, as: UInt8.self), let flags = getInteger(at: start + 1, as: UInt8.self)
        else {
            return nil
        }
        switch code {
        case 0x04 where readableBytes >= 7 && getInteger(at: start + 2, as: UInt8.self) == 0x01: return .v12
        case 0x01 where readableBytes >= 10:
            let hasWill = flags & 0x02 != 0
            return getInteger(at: start + (hasWill ? 5 : 4), as: UInt8.self) == 0x02 ? .v20 : nil
        // A forwarder of 2.0; reserved in 1.2.
        case 0xFC: return .v20
        // Its length covers everything; that of a forwarder of 1.2 ends before the message it carries.
        case 0xFE where Int(getInteger(at: readerIndex, as: UInt8.self) ?? 0) == readableBytes: return .v20
        default: return nil
        }
    }
}
