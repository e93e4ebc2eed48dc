/// What a decoding asked for, so that what nobody asked for can be refused afterwards.
///
/// Lives for one synchronous `decode`; not shared between threads.
final class DecodingRecord {
    private var requested: [[String]: Set<String>] = [:]
    private(set) var secrets: Set<[String]> = []

    /// A section was opened: from now on its keys are checked, even if none is asked for.
    func open(_ path: [String]) {
        requested[path] = requested[path] ?? []
    }

    func request(_ key: String, at path: [String]) {
        requested[path, default: []].insert(key)
    }

    func markSecret(_ path: [String]) {
        secrets.insert(path)
    }

    func refuseUnknownKeys(in tree: SettingsTree) throws(SettingsError) {
        try refuse(tree, path: [])
    }

    private func refuse(_ tree: SettingsTree, path: [String]) throws(SettingsError) {
        switch tree.content {
        case .null, .scalar: break
        case .sequence(let items):
            for (index, item) in items.enumerated() { try refuse(item, path: path + ["\(index)"]) }
        case .mapping(let entries):
            guard let known = requested[path] else { return }
            for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
                guard known.contains(key) else { throw unknown(key, value, path: path, known: known) }
                try refuse(value, path: path + [key])
            }
        }
    }

    /// The nearest key of the same section, else the same key in another section, else the list of what there is.
    private func unknown(_ key: String, _ value: SettingsTree, path: [String], known: Set<String>) -> SettingsError {
        let remedy: String
        if let near = NearestKey.find(key, among: known) {
            remedy = "did you mean \((path + [near]).joined(separator: "."))?"
        } else if let other = section(knowing: key) {
            remedy = "did you mean \((other + [key]).joined(separator: "."))?"
        } else {
            remedy = "the keys here are \(known.sorted().joined(separator: ", "))"
        }
        return SettingsError(path: path + [key], problem: "is not a known key", origin: value.origin, remedy: remedy)
    }

    private func section(knowing key: String) -> [String]? {
        requested.filter { $0.value.contains(key) }.keys.min { $0.lexicographicallyPrecedes($1) }
    }
}
