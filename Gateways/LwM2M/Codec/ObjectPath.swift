/// A place in a device's object tree: `/object[/instance[/resource[/resource instance]]]`, or the root `/`.
///
/// LwM2M Core 1.1 7.2: each id is a 16-bit unsigned integer; 65535 is reserved and no path may use it.
struct ObjectPath: Hashable, Sendable {
    /// Ids beyond `depth` are zero, so that synthesised equality and hashing hold.
    private var ids: (UInt16, UInt16, UInt16, UInt16) = (0, 0, 0, 0)
    /// Number of ids: 0 root, 1 object, 2 object instance, 3 resource, 4 resource instance.
    private(set) var depth = 0

    static let root = ObjectPath()
    static let maximumDepth = 4
    static let reservedID: UInt16 = 65535

    private init() {}

    init(_ object: UInt16, _ instance: UInt16? = nil, _ resource: UInt16? = nil, _ resourceInstance: UInt16? = nil) {
        self = [object, instance, resource, resourceInstance].prefix { $0 != nil }.reduce(into: .root) {
            if let id = $1 { $0 = $0.appending(id) }
        }
    }

    /// Reads `/3/0/14`; the leading slash may be absent. nil when a part is not a canonical decimal id.
    init?(text: some StringProtocol) {
        let body = text.first == "/" ? text.dropFirst() : text[...]
        self.init(segments: body.isEmpty ? [] : body.split(separator: "/", omittingEmptySubsequences: false))
    }

    /// Reads the segments of a path or topic. nil when there are more than four or one is not a canonical decimal id.
    init?(segments: some Collection<some StringProtocol>) {
        guard segments.count <= Self.maximumDepth else { return nil }
        self = .root
        for segment in segments {
            guard let id = Self.identifier(segment) else { return nil }
            self = appending(id)
        }
    }

    subscript(level: Int) -> UInt16? {
        guard level >= 0, level < depth else { return nil }
        return switch level {
        case 0: ids.0
        case 1: ids.1
        case 2: ids.2
        default: ids.3
        }
    }

    var object: UInt16? { self[0] }
    var instance: UInt16? { self[1] }
    var resource: UInt16? { self[2] }
    var resourceInstance: UInt16? { self[3] }

    var identifiers: [UInt16] { [ids.0, ids.1, ids.2, ids.3].prefix(depth).map(\.self) }

    /// The path one level further down.
    func appending(_ id: UInt16) -> ObjectPath {
        precondition(depth < Self.maximumDepth, "an object path has at most four levels")
        var path = self
        switch depth {
        case 0: path.ids.0 = id
        case 1: path.ids.1 = id
        case 2: path.ids.2 = id
        default: path.ids.3 = id
        }
        path.depth += 1
        return path
    }

    /// The first `depth` levels of this path.
    func prefix(_ depth: Int) -> ObjectPath {
        identifiers.prefix(depth).reduce(.root) { $0.appending($1) }
    }

    /// Whether `other` is this path or lies below it.
    func contains(_ other: ObjectPath) -> Bool {
        depth <= other.depth && other.prefix(depth) == self
    }

    static func == (left: ObjectPath, right: ObjectPath) -> Bool {
        left.depth == right.depth && left.ids == right.ids
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(depth)
        hasher.combine(ids.0)
        hasher.combine(ids.1)
        hasher.combine(ids.2)
        hasher.combine(ids.3)
    }

    /// A decimal id without sign or leading zero, so that each place has exactly one spelling and one topic.
    private static func identifier(_ text: some StringProtocol) -> UInt16? {
        guard let first = text.utf8.first, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            first != 0x30 || text.utf8.count == 1, let id = UInt16(text), id != reservedID
        else { return nil }
        return id
    }
}

extension ObjectPath: CustomStringConvertible, Comparable {
    var description: String { depth == 0 ? "/" : identifiers.map { "/\($0)" }.joined() }

    static func < (left: ObjectPath, right: ObjectPath) -> Bool {
        left.identifiers.lexicographicallyPrecedes(right.identifiers)
    }
}
