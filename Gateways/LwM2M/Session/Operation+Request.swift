import CoAP

/// From an operation to the CoAP request that carries it (LwM2M Transport Bindings 1.1 6.4.3 to 6.4.5).
extension Operation {
    /// The formats worth trying, best first; nil leaves the choice to the device. More than one where devices differ.
    var formats: [ContentFormat?] {
        switch self {
        // Left alone, every client seen answers a leaf with text or TLV. Anything above a leaf needs TLV to be asked for:
        // newer clients would choose a format this gateway does not read yet.
        case .read(let path) where path.depth >= 3, .observe(let path) where path.depth >= 3:
            [nil, .lwm2mTLV, .textPlain]
        case .read, .observe: [.lwm2mTLV, nil]
        case .write(_, .opaque): [.octetStream, .lwm2mTLV, .textPlain]
        case .write: [.textPlain, .lwm2mTLV]
        case .writeMultiple, .writeInstance, .create: [.lwm2mTLV]
        case .discover: [.linkFormat]
        case .execute, .delete, .cancel: [nil]
        }
    }

    /// - Throws: only when a value is longer than TLV can say.
    func request(rootPath: [String], format: ContentFormat?) throws(DecodeError) -> CoAPOutgoingRequest {
        let path = rootPath + path.identifiers.map(String.init)
        switch self {
        case .read, .observe, .discover, .cancel:
            return CoAPOutgoingRequest(.get, path: path, accept: format)
        case .write(let target, let value):
            return CoAPOutgoingRequest(
                .put, path: path, contentFormat: format, payload: try Self.body(value, at: target, format))
        case .writeMultiple(let target, let instances):
            let resource = Field(identifier: target.resource ?? 0, content: .multiple(instances))
            return CoAPOutgoingRequest(
                .put, path: path, contentFormat: format, payload: try TLV.encode([resource.tlv]))
        case .writeInstance(_, let fields, let replace):
            return CoAPOutgoingRequest(
                replace ? .put : .post, path: path, contentFormat: format, payload: try TLV.encode(fields.map(\.tlv)))
        case .execute(_, let arguments):
            return CoAPOutgoingRequest(
                .post, path: path, contentFormat: arguments.isEmpty ? nil : .textPlain, payload: Array(arguments.utf8))
        case .create(let target, let fields):
            // LwM2M Core 1.1 6.3.7: the request names the object; a chosen instance id stands in the payload.
            let instance = target.instance.map { [TLV.elements(.objectInstance, $0, fields.map(\.tlv))] }
            return CoAPOutgoingRequest(
                .post, path: Array(path.prefix(rootPath.count + 1)), contentFormat: format,
                payload: try TLV.encode(instance ?? fields.map(\.tlv)))
        case .delete:
            return CoAPOutgoingRequest(.delete, path: path)
        }
    }

    private static func body(
        _ value: ResourceValue, at path: ObjectPath, _ format: ContentFormat?
    ) throws(DecodeError) -> [UInt8] {
        switch format {
        case .octetStream:
            return value.binary
        case .some(let format) where format.isTLV:
            let isInstance = path.depth == ObjectPath.maximumDepth
            let identifier = (isInstance ? path.resourceInstance : path.resource) ?? 0
            return try TLV.encode([.value(isInstance ? .resourceInstance : .resource, identifier, value.binary)])
        default:
            return Array(value.text.utf8)
        }
    }
}

extension Operation.Field {
    var tlv: TLV {
        switch content {
        case .value(let value): .value(.resource, identifier, value.binary)
        case .multiple(let instances): .elements(.multipleResource, identifier, instances.map(\.instanceTLV))
        }
    }

    private var instanceTLV: TLV {
        switch content {
        case .value(let value): .value(.resourceInstance, identifier, value.binary)
        case .multiple: preconditionFailure("resource instances hold values")
        }
    }
}
