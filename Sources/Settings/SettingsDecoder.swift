/// Decodes one value of a settings tree; keeps the path for messages and tells the record what was asked for.
struct SettingsDecoder: Decoder {
    let tree: SettingsTree
    let path: [String]
    let record: DecodingRecord

    var codingPath: [any CodingKey] { path.map(SettingsKey.init(stringValue:)) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .mapping(let entries) = tree.content else { throw mismatch("a section with keys of its own") }
        record.open(path)
        return KeyedDecodingContainer(SettingsKeyedContainer(entries: entries, decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .sequence(let items) = tree.content else { throw mismatch("a list such as [a, b]") }
        return SettingsListContainer(items: items, decoder: self)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        SettingsValueContainer(decoder: self)
    }

    /// The entry point: everything that can go wrong leaves as a `SettingsError`.
    func decodeRoot<T: Decodable>(_ type: T.Type) throws(SettingsError) -> T {
        do {
            return try decode(type)
        } catch let error as SettingsError {
            throw error
        } catch {
            throw SettingsError(path: path, problem: "cannot be read", origin: tree.origin, remedy: nil)
        }
    }

    /// Decodes this value; errors of the value's own type are given key and place here.
    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        if type == Secret.self { record.markSecret(path) }
        do {
            if type == Duration.self, let duration = try Duration(setting: scalar("a duration such as 30s")) as? T {
                return duration
            }
            return try T(from: self)
        } catch let invalid as InvalidSetting {
            throw mismatch(invalid.expected)
        }
    }

    func scalar(_ expected: String) throws(SettingsError) -> String {
        guard case .scalar(let text) = tree.content else { throw mismatch(expected) }
        return text
    }

    func mismatch(_ expected: String) -> SettingsError {
        SettingsError(path: path, problem: "\(found), which is not valid", origin: tree.origin, remedy: "it needs \(expected)")
    }

    private var found: String {
        switch tree.content {
        case .null: "has no value"
        case .scalar(let text): record.secrets.contains(path) ? "is \(Secret.dots)" : "is \"\(text)\""
        case .sequence: "is a list"
        case .mapping: "is a section"
        }
    }

    func child(_ tree: SettingsTree, key: String) -> SettingsDecoder {
        SettingsDecoder(tree: tree, path: path + [key], record: record)
    }
}

/// A key by its name; lists use the index.
struct SettingsKey: CodingKey {
    let stringValue: String
    var intValue: Int? { Int(stringValue) }

    init(stringValue: String) {
        self.stringValue = stringValue
    }

    init(intValue: Int) {
        stringValue = "\(intValue)"
    }
}
