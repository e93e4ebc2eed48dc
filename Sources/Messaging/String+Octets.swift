import Glibc

extension String {
    /// Octet-for-octet equality, without Unicode normalisation.
    func hasSameOctets(as other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        return utf8.span.bytes.withUnsafeBytes { left in
            other.utf8.span.bytes.withUnsafeBytes { right in
                guard let first = left.baseAddress, let second = right.baseAddress else { return true }
                return memcmp(first, second, left.count) == 0
            }
        }
    }

    /// Hashes the octets, matching `hasSameOctets(as:)`.
    func hashOctets(into hasher: inout Hasher) {
        let walked: Void? = utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        guard walked == nil else { return }
        for octet in utf8 { hasher.combine(octet) }
    }
}
