/// A JSON object in the making, whose members are those that have something to say. Names and texts need no escapes: they are the
/// gateway's own words, and addresses.
struct JSONObject {
    private var members = ""

    var isEmpty: Bool { members.isEmpty }
    var text: String { "{\(members)}" }

    mutating func append(_ name: String, text value: String) { append(name, verbatim: "\"\(value)\"") }

    /// Nothing for zero.
    mutating func append(_ name: String, _ number: some BinaryInteger) {
        if number != 0 { append(name, verbatim: "\(number)") }
    }

    /// Nothing for an object without members.
    mutating func append(_ name: String, _ object: JSONObject) {
        if !object.isEmpty { append(name, verbatim: object.text) }
    }

    private mutating func append(_ name: String, verbatim value: String) {
        if !members.isEmpty { members += "," }
        members += "\"\(name)\":\(value)"
    }
}
