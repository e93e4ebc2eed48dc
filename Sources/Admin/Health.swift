/// How the gateway is, as `/health` tells it.
package struct Health: Sendable, Equatable {
    package enum Status: String, Sendable {
        /// Not all listeners serve yet.
        case starting
        case ok
        /// Something does not work; the gateway serves as well as it can.
        case failing
        case stopping
    }

    package var status: Status
    /// Names of the parts that do not work: `store`.
    package var failing: [String]

    package init(_ status: Status, failing: [String] = []) {
        self.status = status
        self.failing = failing
    }

    /// Whether clients should be sent here.
    var isGood: Bool { status == .ok }

    /// `{"status":"ok"}`, `{"status":"failing","failing":["store"]}`. All words are our own and need no escapes.
    var json: String {
        let parts = failing.isEmpty ? "" : ",\"failing\":[\(failing.map { "\"\($0)\"" }.joined(separator: ","))]"
        return "{\"status\":\"\(status.rawValue)\"\(parts)}\n"
    }
}
