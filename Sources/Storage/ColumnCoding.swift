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
