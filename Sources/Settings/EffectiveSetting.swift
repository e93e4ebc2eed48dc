/// One value as it stands after all layers, for `apus check`.
package struct EffectiveSetting: Sendable, Equatable {
    /// The full key, parts joined by dots.
    package var key: String
    /// The value as YAML would write it; a secret as dots.
    package var value: String
    package var origin: SettingsOrigin

    static func list(_ tree: SettingsTree, hiding secrets: Set<[String]>) -> [EffectiveSetting] {
        var result: [EffectiveSetting] = []
        collect(tree, path: [], secrets: secrets, into: &result)
        return result
    }

    private static func collect(
        _ tree: SettingsTree, path: [String], secrets: Set<[String]>, into result: inout [EffectiveSetting]
    ) {
        if case .mapping(let entries) = tree.content, !entries.isEmpty {
            for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
                collect(value, path: path + [key], secrets: secrets, into: &result)
            }
        } else {
            let value = text(of: tree, path: path, secrets: secrets)
            result.append(EffectiveSetting(key: path.joined(separator: "."), value: value, origin: tree.origin))
        }
    }

    private static func text(of tree: SettingsTree, path: [String], secrets: Set<[String]>) -> String {
        switch tree.content {
        case .null: return "null"
        case .scalar(let text): return secrets.contains(path) ? Secret.dots : text.isEmpty ? "\"\"" : text
        case .sequence(let items):
            let texts = items.enumerated().map { text(of: $1, path: path + ["\($0)"], secrets: secrets) }
            return "[\(texts.joined(separator: ", "))]"
        case .mapping(let entries):
            let texts = entries.sorted { $0.key < $1.key }.map {
                "\($0.key): \(text(of: $0.value, path: path + [$0.key], secrets: secrets))"
            }
            return "{\(texts.joined(separator: ", "))}"
        }
    }
}
