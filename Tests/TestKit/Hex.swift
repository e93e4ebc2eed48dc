/// Reads hex as people write it: pairs of digits, spaces anywhere between pairs. Nil when it is anything else.
package func octets(hex: String) -> [UInt8]? {
    let digits = hex.filter { !$0.isWhitespace }
    guard digits.count.isMultiple(of: 2) else { return nil }
    var octets: [UInt8] = []
    var index = digits.startIndex
    while index < digits.endIndex {
        let next = digits.index(index, offsetBy: 2)
        guard let octet = UInt8(digits[index..<next], radix: 16) else { return nil }
        octets.append(octet)
        index = next
    }
    return octets
}

/// Lower-case hex, pairs separated by spaces.
package func hex(_ octets: some Sequence<UInt8>) -> String {
    octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
}
