/// ETags of our own making (RFC 7252, 5.10.6).
package enum EntityTag {
    /// A value of 8 octets that differs for different contents, as far as 64 bits can: FNV-1a, the same on every machine.
    package static func of(_ contents: some Sequence<UInt8>) -> [UInt8] {
        let hash = contents.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return withUnsafeBytes(of: hash.bigEndian) { Array($0) }
    }
}
