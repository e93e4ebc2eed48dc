/// A section: `decode` asks for a key, and asking makes the key known.
struct SettingsKeyedContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let entries: [String: SettingsTree]
    let decoder: SettingsDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { entries.keys.sorted().compactMap(Key.init(stringValue:)) }

    func contains(_ key: Key) -> Bool {
        decoder.record.request(key.stringValue, at: decoder.path)
        return entries[key.stringValue] != nil
    }

    func decodeNil(forKey key: Key) throws -> Bool {
        try child(key).tree.content == .null
    }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try child(key).decode(type)
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
        try child(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try child(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { try child(key) }

    private func child(_ key: Key) throws(SettingsError) -> SettingsDecoder {
        guard contains(key), let tree = entries[key.stringValue] else {
            throw SettingsError(
                path: decoder.path + [key.stringValue], problem: "is missing", origin: decoder.tree.origin,
                remedy: "add it")
        }
        return decoder.child(tree, key: key.stringValue)
    }
}

/// A list, in order.
struct SettingsListContainer: UnkeyedDecodingContainer {
    let items: [SettingsTree]
    let decoder: SettingsDecoder
    private(set) var currentIndex = 0

    init(items: [SettingsTree], decoder: SettingsDecoder) {
        self.items = items
        self.decoder = decoder
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { items.count }
    var isAtEnd: Bool { currentIndex >= items.count }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, items[currentIndex].content == .null else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try next().decode(type)
    }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        try next().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try next().unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder { try next() }

    private mutating func next() throws(SettingsError) -> SettingsDecoder {
        guard !isAtEnd else { throw decoder.mismatch("a longer list") }
        defer { currentIndex += 1 }
        return decoder.child(items[currentIndex], key: "\(currentIndex)")
    }
}

/// A scalar, read as the type that asks for it.
struct SettingsValueContainer: SingleValueDecodingContainer {
    let decoder: SettingsDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool { decoder.tree.content == .null }

    func decode(_ type: Bool.Type) throws -> Bool {
        switch try decoder.scalar("true or false") {
        case "true": true
        case "false": false
        // YAML 1.1 also took yes, on and y; a gateway that guesses at a switch may guess wrong.
        default: throw decoder.mismatch("true or false")
        }
    }

    func decode(_ type: String.Type) throws -> String { try decoder.scalar("text") }
    func decode(_ type: Double.Type) throws -> Double { try number("a number") }
    func decode(_ type: Float.Type) throws -> Float { try number("a number") }
    func decode(_ type: Int.Type) throws -> Int { try whole(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try whole(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try whole(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try whole(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try whole(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try whole(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try whole(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try whole(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try whole(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try whole(type) }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.decode(type) }

    private func whole<T: FixedWidthInteger>(_ type: T.Type) throws(SettingsError) -> T {
        try number("a whole number from \(T.min) to \(T.max)")
    }

    private func number<T: LosslessStringConvertible>(_ expected: String) throws(SettingsError) -> T {
        guard let number = T(try decoder.scalar(expected)) else { throw decoder.mismatch(expected) }
        return number
    }
}
