/// Writes and filters links as `application/link-format` (RFC 6690).
enum LinkFormat {
    /// `</ps>;rt="core.ps";obs,</rd>;rt="core.rd"`
    static func encode(_ links: [CoAPLink]) -> String {
        links.map(encode).joined(separator: ",")
    }

    /// Keeps the links one query asks for (RFC 6690, 4.1). More than one query, or one without value, selects nothing.
    static func filter(_ links: [CoAPLink], queries: [String]) -> [CoAPLink] {
        guard let query = queries.first else { return links }
        guard queries.count == 1, let separator = query.firstIndex(of: "=") else { return [] }
        let name = String(query[..<separator])
        let wanted = String(query[query.index(after: separator)...])
        return links.filter { link in values(named: name, of: link).contains { matches($0, wanted) } }
    }

    private static func encode(_ link: CoAPLink) -> String {
        link.attributes.reduce("<\(link.target)>") { text, attribute in
            guard let value = attribute.value else { return "\(text);\(attribute.name)" }
            let isNumber = !value.isEmpty && value.allSatisfy { $0.isASCII && $0.isNumber }
            return "\(text);\(attribute.name)=\(isNumber ? value : "\"\(value)\"")"
        }
    }

    /// `href` stands for the target; `rt`, `if`, `rel` and `ct` hold lists separated by blanks.
    private static func values(named name: String, of link: CoAPLink) -> [String] {
        guard name != "href" else { return [link.target] }
        let lists: Set = ["rt", "if", "rel", "ct"]
        return link.attributes.filter { $0.name == name }.flatMap { attribute -> [String] in
            guard let value = attribute.value else { return [] }
            return lists.contains(name) ? value.split(separator: " ").map(String.init) : [value]
        }
    }

    /// A trailing `*` asks for a prefix.
    private static func matches(_ value: String, _ wanted: String) -> Bool {
        wanted.hasSuffix("*") ? value.hasPrefix(wanted.dropLast()) : value == wanted
    }
}
