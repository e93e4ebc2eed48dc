import Yams

extension SettingsTree {
    /// Reads YAML text; `place` turns a line and a column (from 1) into the origin of a value.
    ///
    /// Keys are scalars, a key may stand only once, and the document is one mapping or nothing.
    static func parse(
        yaml: String, place: (_ line: Int, _ column: Int) -> SettingsOrigin
    ) throws(SettingsError) -> SettingsTree {
        let root: Node?
        do {
            root = try compose(yaml: yaml)
        } catch let error as YamlError {
            throw SettingsError(error, place: place)
        } catch {
            throw SettingsError(key: "", problem: "cannot be read as YAML", origin: place(1, 1), remedy: nil)
        }
        guard let root else { return SettingsTree(.mapping([:]), origin: place(1, 1)) }
        return try convert(root, path: [], place: place)
    }

    private static func convert(
        _ node: Node, path: [String], place: (Int, Int) -> SettingsOrigin
    ) throws(SettingsError) -> SettingsTree {
        let origin = place(node.mark?.line ?? 1, node.mark?.column ?? 1)
        switch node {
        case .scalar(let scalar):
            return SettingsTree(isNull(scalar) ? .null : .scalar(scalar.string), origin: origin)
        case .sequence(let nodes):
            var items: [SettingsTree] = []
            for (index, item) in nodes.enumerated() {
                items.append(try convert(item, path: path + ["\(index)"], place: place))
            }
            return SettingsTree(.sequence(items), origin: origin)
        case .mapping(let pairs):
            var entries: [String: SettingsTree] = [:]
            for (keyNode, value) in pairs {
                let keyOrigin = place(keyNode.mark?.line ?? 1, keyNode.mark?.column ?? 1)
                guard let key = keyNode.scalar?.string else {
                    throw SettingsError(
                        path: path, problem: "has a key that is not a plain name", origin: keyOrigin,
                        remedy: "write the key as a single word")
                }
                var entry = try convert(value, path: path + [key], place: place)
                // A mapping is pointed at by its key; the first line of its content says less.
                if case .mapping = entry.content { entry.origin = keyOrigin }
                if case .sequence = entry.content { entry.origin = keyOrigin }
                entries[key] = entry
            }
            return SettingsTree(.mapping(entries), origin: origin)
        case .alias:
            throw SettingsError(
                path: path, problem: "uses a YAML alias that points nowhere", origin: origin,
                remedy: "write the value out")
        }
    }

    private static func isNull(_ scalar: Node.Scalar) -> Bool {
        guard scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }
}

extension SettingsError {
    /// A YAML syntax error, told with its place.
    fileprivate init(_ error: YamlError, place: (Int, Int) -> SettingsOrigin) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            self.init(
                key: "", problem: "is not valid YAML: \(problem)", origin: place(mark.line, mark.column),
                remedy: "check the indentation (spaces, never tabs) and the colons around this line")
        case .duplicatedKeysInMapping(let duplicates, let context):
            self.init(
                key: duplicates.sorted().first ?? "", problem: "stands more than once in the same section",
                origin: place(context.mark.line, context.mark.column), remedy: "keep one of them")
        default:
            self.init(
                key: "", problem: "cannot be read as YAML", origin: place(1, 1),
                remedy: "save the file as UTF-8 text")
        }
    }
}
