/// Which of a device's resources hold a retained value, and what has to change when news come.
struct ValueTopics: Equatable, Sendable {
    /// A value to retain, or with nil to clear.
    struct Change: Equatable, Sendable {
        var path: ObjectPath
        var value: JSON?
    }

    /// A device cannot make more topics than this; values beyond stay in reports only.
    let limit: Int
    private var paths: Set<ObjectPath>

    /// - Parameter paths: those that hold a value already; beyond `limit` they are not looked after.
    init(limit: Int, paths: [ObjectPath] = []) {
        self.limit = limit
        self.paths = Set(paths.prefix(limit))
    }

    /// nil when the limit is reached.
    mutating func set(_ record: ResourceRecord) -> Change? {
        guard paths.contains(record.path) || paths.count < limit else { return nil }
        paths.insert(record.path)
        return Change(path: record.path, value: record.value.json)
    }

    /// A reading of everything at and below `path`: what it no longer names is gone.
    mutating func take(_ reading: Reading, of path: ObjectPath) -> [Change] {
        let present = Set(reading.records.map(\.path)).union(reading.unreadable)
        return clear(below: path, except: present) + reading.records.compactMap { set($0) }
    }

    mutating func clear(below path: ObjectPath, except present: Set<ObjectPath>) -> [Change] {
        clear { path.contains($0) && !present.contains($0) }
    }

    /// Values of objects and instances the device no longer has are no values any more.
    mutating func clear(notIn objects: ObjectList) -> [Change] {
        clear { path in
            guard let object = path.object, objects.contains(object: object) else { return true }
            let instances = objects.instances(of: object)
            // An object listed without instances may have any.
            return !instances.isEmpty && !instances.contains(path.prefix(2))
        }
    }

    private mutating func clear(_ isGone: (ObjectPath) -> Bool) -> [Change] {
        let gone = paths.filter(isGone)
        paths.subtract(gone)
        return gone.sorted().map { Change(path: $0, value: nil) }
    }
}
