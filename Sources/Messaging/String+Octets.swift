extension String {
    /// Octet-for-octet equality, without Unicode normalisation.
    func hasSameOctets(as other: String) -> Bool {
        let left = utf8
        let right = other.utf8
        guard left.count == right.count else { return false }
        return left.elementsEqual(right)
    }

    /// Hashes the octets, matching `hasSameOctets(as:)`.
    func hashOctets(into hasher: inout Hasher) {
        let walked: Void? = utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        guard walked == nil else { return }
        for octet in utf8 { hasher.combine(octet) }
    }
}
