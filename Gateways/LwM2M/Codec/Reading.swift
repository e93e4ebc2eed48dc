import CoAP

/// What a device's answer says about the values under a path.
struct Reading: Equatable, Sendable {
    var records: [ResourceRecord] = []
    /// Values whose bytes do not fit their type; the others are still good.
    var unreadable: [ObjectPath] = []
}

extension Reading {
    /// Decodes `body` as the answer's own format says; without one, a leaf is text (LwM2M Core 1.1 7.4: the default) and
    /// anything above it TLV.
    init(
        _ body: ArraySlice<UInt8>, format: ContentFormat?, at path: ObjectPath, model: ObjectModel,
        limits: Limits = Limits()
    ) throws(DecodeError) {
        guard body.count <= limits.bodyBytes else { throw .limitExceeded }
        switch format ?? (path.depth >= 3 ? .textPlain : .lwm2mTLV) {
        case .textPlain:
            guard path.depth >= 3 else { throw .unsupportedFormat }
            records = [ResourceRecord(path: path, value: try Self.text(body, at: path, model))]
        case .octetStream:
            guard path.depth >= 3 else { throw .unsupportedFormat }
            records = [ResourceRecord(path: path, value: .opaque(Array(body)))]
        case let format where format.isTLV:
            for element in try TLV.decode(body, limits: limits) {
                let parent = try Self.parent(ofLevel: element.kind.level, in: path, model)
                try add(element, at: path, parent: parent, model)
            }
        default:
            throw .unsupportedFormat
        }
    }

    private static func text(
        _ body: ArraySlice<UInt8>, at path: ObjectPath, _ model: ObjectModel
    ) throws(DecodeError) -> ResourceValue {
        // Of an unknown resource text is all we know.
        guard let definition = model.resource(at: path) else { return .string(try ResourceValue.text(body)) }
        return try ResourceValue(text: body, type: definition.type)
    }

    /// Adds an element of the answer to a request for `path`; its id completes `parent`.
    private mutating func add(
        _ element: TLV, at path: ObjectPath, parent: ObjectPath, _ model: ObjectModel
    ) throws(DecodeError) {
        let level = element.kind.level
        // Wrappers the path makes superfluous may be absent (LwM2M Core 1.1 7.4.4), but where present they must agree with it.
        guard path[level - 1] ?? element.identifier == element.identifier, element.identifier != ObjectPath.reservedID
        else { throw .misplacedElement }
        let place = parent.appending(element.identifier)
        switch element.content {
        case .value(let bytes): add(bytes, at: place, model)
        case .elements(let children):
            for child in children { try add(child, at: path, parent: place, model) }
        }
    }

    /// Where a top-level element of this level hangs. A read of a whole single-instance object may leave the instance out.
    private static func parent(
        ofLevel level: Int, in path: ObjectPath, _ model: ObjectModel
    ) throws(DecodeError) -> ObjectPath {
        if path.depth >= level - 1 { return path.prefix(level - 1) }
        guard level == 3, path.depth == 1, let object = path.object, model[object]?.isMultiple == false else {
            throw .misplacedElement
        }
        return path.appending(0)
    }

    private mutating func add(_ bytes: ArraySlice<UInt8>, at path: ObjectPath, _ model: ObjectModel) {
        // TLV does not say types: of an unknown resource only the bytes are certain.
        let type = model.resource(at: path)?.type ?? .opaque
        if let value = try? ResourceValue(binary: bytes, type: type) {
            records.append(ResourceRecord(path: path, value: value))
        } else {
            unreadable.append(path)
        }
    }
}

extension TLV.Kind {
    /// Depth of the paths such elements stand at.
    fileprivate var level: Int {
        switch self {
        case .objectInstance: 2
        case .resource, .multipleResource: 3
        case .resourceInstance: 4
        }
    }
}
