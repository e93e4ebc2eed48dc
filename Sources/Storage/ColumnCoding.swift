import Messaging

/// Who a session belongs to, as two columns.
enum PrincipalCoding {
    static func encode(_ kind: Principal.Kind) -> (kind: Int, name: String?) {
        switch kind {
        case .gateway: (0, nil)
        case .anonymous: (1, nil)
        case .user(let name): (2, name)
        }
    }

    /// What cannot be understood becomes the least privileged.
    static func decode(_ kind: Int64, _ name: String?) -> Principal.Kind {
        switch (kind, name) {
        case (0, _): .gateway
        case (2, let name?): .user(name)
        default: .anonymous
        }
    }
}

/// The totals of the ledger as rows of `meta`: `ledger.delivered`, `ledger.dropped.mailbox_full` …
enum LedgerCoding {
    private static let delivered = "ledger.delivered"
    private static let expired = "ledger.expired"
    private static func key(_ reason: DropReason) -> String { "ledger.dropped.\(reason.name)" }

    static func encode(_ ledger: DropLedger) -> [(key: String, value: UInt64)] {
        [(delivered, ledger.delivered), (expired, ledger.expired)]
            + DropReason.allCases.map { (key($0), ledger[dropped: $0]) }
    }

    /// A key that means nothing changes nothing, nor does a number no counter reaches: sums are not to overflow.
    static func decode(_ key: String, _ value: UInt64, into ledger: inout DropLedger) {
        guard value < 1 << 56 else { return }
        switch key {
        case delivered: ledger.delivered = value
        case expired: ledger.expired = value
        default:
            guard let reason = DropReason.allCases.first(where: { self.key($0) == key }) else { return }
            ledger[dropped: reason] = value
        }
    }
}

extension Duration {
    /// Microseconds, rounded down; saturates at the ends of `Int64`.
    var wholeMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, sumOverflow) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return sumOverflow ? .max : sum
    }
}
