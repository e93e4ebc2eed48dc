import CoAP

/// Which formats one device has proved to understand, so that a refusal costs one retry once and not each time.
struct FormatMemory: Equatable, Sendable {
    /// Operations that offer the same formats share what was learnt.
    private var proven: [[ContentFormat?]: Int] = [:]

    /// The formats to try for an operation, the proven one first.
    func candidates(for operation: Operation) -> [ContentFormat?] {
        var formats = operation.formats
        let first = formats.remove(at: proven[formats] ?? 0)
        return [first] + formats
    }

    mutating func remember(_ format: ContentFormat?, for operation: Operation) {
        let formats = operation.formats
        proven[formats] = formats.firstIndex { $0 == format }
    }
}
