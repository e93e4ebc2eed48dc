import CLibCoAP
import Glibc

/// Looks at waiting datagrams without taking them, just before libcoap reads them.
///
/// libcoap reports neither the acknowledgement of a confirmable message, nor RST to a non-confirmable one, nor repeated
/// answers of a device, nor datagrams it drops as malformed or cuts off. All of that can be seen here. The look also says
/// how many datagrams wait, which is how often libcoap is to be called.
///
/// SO_PEEK_OFF makes each look go on where the one before ended, and reading moves the mark back (socket(7)).
final class DatagramTap {
    /// What is known of one waiting datagram.
    struct Note {
        let endpoint: EndpointKey
        /// Nil when it is no CoAP message.
        let header: DatagramHeader?
        /// Octets beyond what libcoap reads; it would take the rest for the whole.
        let isCutOff: Bool
    }

    /// Most datagrams of one look.
    private static let batch = 128
    private static let overflowOctets = 65_536

    private let descriptor: Int32
    private let slotOctets: Int
    private let count: Int
    private let slots: UnsafeMutableRawPointer
    /// Where the ends of oversized datagrams go, all to the same place: nobody reads them.
    private let overflow: UnsafeMutableRawPointer
    private let vectors: UnsafeMutablePointer<iovec>
    private let names: UnsafeMutablePointer<sockaddr_storage>
    private let headers: UnsafeMutablePointer<apus_datagram>
    private(set) var notes: [Note] = []

    /// - Parameter datagramOctets: what libcoap reads of a datagram.
    init(descriptor: Int32, datagramOctets: Int) {
        self.descriptor = descriptor
        slotOctets = datagramOctets
        // A system without SO_PEEK_OFF would show the first datagram again and again: then look at one at a time.
        count = Self.rewind(descriptor) ? Self.batch : 1
        slots = .allocate(byteCount: slotOctets * count, alignment: 16)
        overflow = .allocate(byteCount: Self.overflowOctets, alignment: 16)
        vectors = .allocate(capacity: count * 2)
        names = .allocate(capacity: count)
        names.initialize(repeating: sockaddr_storage(), count: count)
        headers = .allocate(capacity: count)
        for index in 0..<count {
            vectors[index * 2] = iovec(iov_base: slots + index * slotOctets, iov_len: slotOctets)
            vectors[index * 2 + 1] = iovec(iov_base: overflow, iov_len: Self.overflowOctets)
            var header = apus_datagram()
            header.header.msg_iov = vectors + index * 2
            header.header.msg_iovlen = 2
            header.header.msg_name = UnsafeMutableRawPointer(names + index)
            headers[index] = header
        }
    }

    deinit {
        slots.deallocate()
        overflow.deallocate()
        vectors.deallocate()
        names.deallocate()
        headers.deallocate()
    }

    /// Notes what waits, oldest first, and returns how many that are.
    func look() -> Int {
        notes.removeAll(keepingCapacity: true)
        _ = Self.rewind(descriptor)
        for index in 0..<count { headers[index].header.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size) }
        let seen = apus_peek_datagrams(descriptor, headers, UInt32(count))
        guard seen > 0 else { return 0 }
        for index in 0..<Int(seen) { note(index) }
        return Int(seen)
    }

    private func note(_ index: Int) {
        let length = Int(headers[index].length)
        let octets = UnsafeRawBufferPointer(start: slots + index * slotOctets, count: min(length, slotOctets))
        let address = SocketAddress(UnsafeRawPointer(names + index))
        notes.append(
            Note(
                endpoint: address?.key ?? EndpointKey(high: 0, low: 0, port: 0, scope: 0), header: DatagramHeader(octets),
                isCutOff: length > slotOctets))
    }

    private static func rewind(_ descriptor: Int32) -> Bool {
        var offset: Int32 = 0
        return setsockopt(descriptor, SOL_SOCKET, SO_PEEK_OFF, &offset, socklen_t(MemoryLayout<Int32>.size)) == 0
    }
}
