import Glibc

extension String {
    /// Octet-for-octet equality, without Unicode normalisation.
    @inline(__always)
    func hasSameOctets(as other: String) -> Bool {
        // A publisher's messages mostly share one string: the same octets at the same place, or the same few in place of them.
        unsafeBitCast(self, to: UInt128.self) == unsafeBitCast(other, to: UInt128.self) || comparesEqual(to: other)
    }

    private func comparesEqual(to other: String) -> Bool {
        utf8.count == other.utf8.count && other.utf8.span.bytes.withUnsafeBytes { hasOctets($0) }
    }

    func hasOctets(_ octets: UnsafeRawBufferPointer) -> Bool {
        utf8.span.bytes.withUnsafeBytes { own in
            guard own.count == octets.count else { return false }
            guard let first = own.baseAddress, let second = octets.baseAddress else { return true }
            return memcmp(first, second, own.count) == 0
        }
    }

    /// Hashes the octets, matching `hasSameOctets(as:)`.
    func hashOctets(into hasher: inout Hasher) {
        let walked: Void? = utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        guard walked == nil else { return }
        for octet in utf8 { hasher.combine(octet) }
    }
}
