/// What is known about objects: which resources exist, of which type, and what a server may do with them.
struct ObjectModel: Sendable {
    private let objects: [UInt16: ObjectDefinition]

    init(objects: some Sequence<ObjectDefinition>) {
        self.objects = Dictionary(objects.map { ($0.id, $0) }) { _, later in later }
    }

    subscript(object: UInt16) -> ObjectDefinition? { objects[object] }

    /// The definition of the resource a path names or lies in.
    func resource(at path: ObjectPath) -> ResourceDefinition? {
        guard let object = path.object, let resource = path.resource else { return nil }
        return objects[object]?.resources[resource]
    }
}

struct ObjectDefinition: Equatable, Sendable {
    var id: UInt16
    var name: String
    /// Whether a device may have several instances.
    var isMultiple: Bool
    var resources: [UInt16: ResourceDefinition]
}

struct ResourceDefinition: Equatable, Sendable {
    var id: UInt16
    var name: String
    var type: DataType
    var operations: Operations
    /// Whether the resource has instances of its own.
    var isMultiple: Bool

    /// What a management server may do. Empty for resources only a bootstrap server may touch.
    struct Operations: OptionSet, Sendable {
        let rawValue: UInt8

        static let read = Operations(rawValue: 1)
        static let write = Operations(rawValue: 2)
        static let execute = Operations(rawValue: 4)
    }
}

// MARK: - Reading the table

extension ObjectModel {
    /// The objects every gateway knows; see `standardObjects`.
    static let standard = ObjectModel(table: standardObjects, shared: reusableResources)

    /// Reads the tables of `StandardObjects.swift`. They are part of the program, so a line that does not parse is our bug.
    init(table: String, shared: String) {
        let common = Dictionary(
            uniqueKeysWithValues: shared.split(separator: "\n").map { line in
                let resource = ResourceDefinition(line: line)
                return (resource.id, resource)
            })
        var objects: [ObjectDefinition] = []
        for line in table.split(separator: "\n") {
            if line.first == " " {
                precondition(!objects.isEmpty, "a resource line comes after its object line")
                objects[objects.count - 1].add(line: line, common: common)
            } else {
                objects.append(ObjectDefinition(line: line))
            }
        }
        self.init(objects: objects)
    }
}

extension ObjectDefinition {
    /// `3303 * Temperature`: id, `*` for several or `1` for one instance, name.
    fileprivate init(line: Substring) {
        let fields = line.split(separator: " ", maxSplits: 2)
        guard fields.count == 3, let id = UInt16(fields[0]) else { preconditionFailure("object line: \(line)") }
        self.init(id: id, name: String(fields[2]), isMultiple: fields[1] == "*", resources: [:])
    }

    /// A resource of its own, or ` = 5700 5701`: reusable resources by id.
    fileprivate mutating func add(line: Substring, common: [UInt16: ResourceDefinition]) {
        guard line.hasPrefix(" =") else {
            let resource = ResourceDefinition(line: line)
            return resources[resource.id] = resource
        }
        for field in line.dropFirst(2).split(separator: " ") {
            guard let id = UInt16(field), let resource = common[id] else { preconditionFailure("no resource \(field)") }
            resources[id] = resource
        }
    }
}

extension ResourceDefinition {
    /// ` 14 RW string UTC Offset`: id, operations (`-` for none), type (`*` after it for several instances), name.
    fileprivate init(line: Substring) {
        let fields = line.split(separator: " ", maxSplits: 3)
        guard fields.count == 4, let id = UInt16(fields[0]),
            let type = DataType(rawValue: String(fields[2].filter { $0 != "*" }))
        else { preconditionFailure("resource line: \(line)") }
        self.init(
            id: id, name: String(fields[3]), type: type, operations: Operations(letters: fields[1]),
            isMultiple: fields[2].last == "*")
    }
}

extension ResourceDefinition.Operations {
    fileprivate init(letters: Substring) {
        self = letters.reduce(into: []) { operations, letter in
            switch letter {
            case "R": operations.insert(.read)
            case "W": operations.insert(.write)
            case "E": operations.insert(.execute)
            default: precondition(letter == "-", "operation letter \(letter)")
            }
        }
    }
}
