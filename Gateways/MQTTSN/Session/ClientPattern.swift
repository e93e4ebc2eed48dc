/// A pattern of client ids: characters for themselves, `*` for any number of any characters.
package struct ClientPattern: Hashable, Sendable {
    package let string: String
    private let parts: [[UInt8]]

    package init(_ string: String) {
        self.string = string
        parts = string.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map { Array($0) }
    }

    /// Octets that stand for themselves: of two patterns that match, the one with more says more about the client.
    package var literalLength: Int { parts.reduce(0) { $0 + $1.count } }

    package func matches(_ clientID: String) -> Bool {
        var rest = Array(clientID.utf8)[...]
        guard let first = parts.first, rest.starts(with: first) else { return false }
        rest = rest.dropFirst(first.count)
        guard parts.count > 1, let last = parts.last else { return rest.isEmpty }
        for part in parts[1..<(parts.count - 1)] {
            guard let end = rest.endOfFirst(part) else { return false }
            rest = rest[end...]
        }
        return rest.count >= last.count && rest.suffix(last.count).elementsEqual(last)
    }
}

extension ArraySlice<UInt8> {
    /// Where the first occurrence of `part` ends.
    fileprivate func endOfFirst(_ part: [UInt8]) -> Int? {
        guard !part.isEmpty else { return startIndex }
        var start = startIndex
        while endIndex - start >= part.count {
            if self[start...].starts(with: part) { return start + part.count }
            start += 1
        }
        return nil
    }
}

/// Values by client id: the most telling pattern that matches decides.
package struct ClientTable<Value: Sendable>: Sendable {
    /// Most telling first.
    private var rows: [(pattern: ClientPattern, value: Value)] = []

    package init() {}

    package init(_ values: [String: Value]) {
        rows = values.map { (ClientPattern($0.key), $0.value) }
            .sorted { ($1.pattern.literalLength, $0.pattern.string) < ($0.pattern.literalLength, $1.pattern.string) }
    }

    package var isEmpty: Bool { rows.isEmpty }

    package func first(for clientID: String) -> Value? { rows.first { $0.pattern.matches(clientID) }?.value }

    /// Every value whose pattern matches, most telling first.
    func all(for clientID: String) -> [Value] { rows.filter { $0.pattern.matches(clientID) }.map(\.value) }
}
