import Foundation

/// The layers of settings, gathered in order and decoded once.
///
///     var layers = try SettingsLayers(defaults: text)
///     try layers.add(file: "apus.yaml")
///     try layers.add(environment: variables, prefix: "APUS_")
///     try layers.add(arguments: ["mqtt.tcp.port=1884"])
///     let settings = try layers.decode(ProductSettings.self)
package struct SettingsLayers: Sendable {
    /// What the layers so far amount to.
    package private(set) var tree: SettingsTree

    /// - Parameter defaults: YAML text that gives every key its value when nobody else does.
    package init(defaults: String) throws(SettingsError) {
        tree = try SettingsTree.parse(yaml: defaults) { _, _ in .default }
    }

    /// Lays a YAML file over the layers so far.
    package mutating func add(file path: String) throws(SettingsError) {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            let reason = FileManager.default.fileExists(atPath: path) ? "cannot be read" : "does not exist"
            throw SettingsError(
                key: "", problem: "file \(reason)", origin: .file(path: path, line: 1, column: 1),
                remedy: "check the path after --config")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw SettingsError(
                key: "", problem: "is not UTF-8 text", origin: .file(path: path, line: 1, column: 1),
                remedy: "save the file as UTF-8")
        }
        try add(yaml: text, path: path)
    }

    /// Lays YAML text over the layers so far; `path` names it in messages.
    package mutating func add(yaml: String, path: String) throws(SettingsError) {
        let layer = try SettingsTree.parse(yaml: yaml) { line, column in
            .file(path: path, line: line, column: column)
        }
        guard case .mapping = layer.content else {
            if case .null = layer.content { return }
            throw SettingsError(
                key: "", problem: "is not a mapping of keys to values", origin: layer.origin,
                remedy: "write sections such as mqtt: with their keys indented below")
        }
        tree.overlay(layer)
    }

    /// Lays every variable whose name begins with `prefix` over the layers so far, in the order of their names.
    package mutating func add(environment: [String: String], prefix: String) throws(SettingsError) {
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix(prefix) {
            tree.overlay(try SettingsTree.parse(environmentVariable: name, prefix: prefix, value: value))
        }
    }

    /// Lays `key.path=value` arguments over the layers so far; the last one for a key wins.
    package mutating func add(arguments: [String]) throws(SettingsError) {
        for argument in arguments {
            tree.overlay(try SettingsTree.parse(argument: argument))
        }
    }

    /// Decodes the settings and lists every value with its origin; a key no property asked for is an error.
    package func decode<T: Decodable>(_ type: T.Type) throws(SettingsError) -> (settings: T, effective: [EffectiveSetting]) {
        let record = DecodingRecord()
        let settings = try SettingsDecoder(tree: tree, path: [], record: record).decodeRoot(type)
        try record.refuseUnknownKeys(in: tree)
        return (settings, EffectiveSetting.list(tree, hiding: record.secrets))
    }
}
