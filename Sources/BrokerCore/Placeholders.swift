import Messaging

/// `${clientid}` and `${username}` in texts of an operator, and `$1` to `$9` where there are groups.
///
/// A name with `+`, `#` or `/` is not put in: it would choose more than its own level.
struct Placeholders {
    private let clientID: String?
    private let userName: String?

    init(_ principal: Principal) {
        clientID = principal.clientID.map(\.string)
        userName = if case .user(let name) = principal.kind { name } else { nil }
    }

    /// - Returns: nil when a name is missing or cannot be put in.
    func expand(_ template: String, group: (Int) -> String = { _ in "" }) -> String? {
        var result = ""
        var rest = template[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("${clientid}") || rest.hasPrefix("${username}") {
                guard let name = rest.hasPrefix("${clientid}") ? clientID : userName, Self.isLevel(name) else {
                    return nil
                }
                result += name
                rest = rest.dropFirst("${clientid}".count)
            } else if let digit = rest.dropFirst().first?.wholeNumberValue, (1...9).contains(digit) {
                result += group(digit)
                rest = rest.dropFirst(2)
            } else {
                result += "$"
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    private static func isLevel(_ name: String) -> Bool {
        !name.isEmpty
            && !name.utf8.contains { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "/") }
    }
}
