/// From topic and payload to an operation, checked against the object model.
extension Operation {
    init(
        _ topic: CommandTopic, payload: [UInt8], model: ObjectModel, limits: Limits = Limits()
    ) throws(CommandError) {
        let command = CommandReader(path: topic.path, payload: payload, model: model, limits: limits)
        self =
            switch topic.verb {
            case .get: .read(try command.readable())
            case .observe: .observe(try command.readable())
            // Whatever was observed may be cancelled.
            case .cancel: .cancel(topic.path)
            case .discover: .discover(topic.path)
            case .set: try command.write()
            case .replace: .writeInstance(topic.path, try command.fields(mayCreate: false), replace: true)
            case .exec: .execute(try command.executable(), arguments: try command.arguments())
            case .create: .create(topic.path, try command.fields(mayCreate: true))
            case .delete: .delete(topic.path)
            }
    }
}

private struct CommandReader {
    let path: ObjectPath
    let payload: [UInt8]
    let model: ObjectModel
    let limits: Limits

    // MARK: What the model allows

    func readable() throws(CommandError) -> ObjectPath {
        try check(path, allows: .read, otherwise: .notReadable)
        return path
    }

    func executable() throws(CommandError) -> ObjectPath {
        try check(path, allows: .execute, otherwise: .notExecutable)
        return path
    }

    /// What the model does not know it does not forbid: the device may be newer and will say what it thinks of it.
    private func check(
        _ path: ObjectPath, allows operation: ResourceDefinition.Operations, otherwise error: CommandError
    ) throws(CommandError) {
        guard let resource = model.resource(at: path), !resource.operations.contains(operation) else { return }
        throw error
    }

    /// A write needs a type. Of an object the model does not know at all the JSON's own type must do; a resource missing
    /// in a known object is more likely a mistake, and can still be written as `{"value": …, "type": …}`.
    private func checkKnown(_ path: ObjectPath) throws(CommandError) {
        guard let object = path.object, model[object] != nil, model.resource(at: path) == nil else { return }
        throw .unknownResource
    }

    // MARK: Values

    func write() throws(CommandError) -> Operation {
        guard path.depth >= 3 else { return .writeInstance(path, try fields(mayCreate: false), replace: false) }
        let json = try self.json()
        // `{"value": …, "type": "float"}` says what the model cannot; it also reaches resources newer than the model.
        if let name = json["type"] { return .write(path, try typed(json, name)) }
        try checkKnown(path)
        try check(path, allows: .write, otherwise: .notWritable)
        switch try content(json, at: path) {
        case .value(let value): return .write(path, value)
        case .multiple(let instances): return .writeMultiple(path, instances)
        }
    }

    /// `{"0": …, "14": …}`: resources of an instance by id.
    func fields(mayCreate: Bool) throws(CommandError) -> [Operation.Field] {
        guard case .object(let members) = try json() else {
            throw .badPayload("expected a JSON object of resource ids and values")
        }
        var fields: [Operation.Field] = []
        // The instance may not be known yet (Create); only object and resource id matter for the lookup.
        let instance = path.depth == 1 ? path.appending(0) : path
        for member in members {
            guard let resource = ObjectPath(segments: [member.name])?.object else {
                throw .badPayload("\"\(member.name)\" is no resource id")
            }
            let place = instance.appending(resource)
            try checkKnown(place)
            // Create may set read-only resources too (LwM2M Core 1.1 6.3.7), a later write may not.
            try check(place, allows: mayCreate ? [] : .write, otherwise: .notWritable)
            fields.append(Operation.Field(identifier: resource, content: try content(member.value, at: place)))
        }
        return fields
    }

    private func content(_ json: JSON, at place: ObjectPath) throws(CommandError) -> Operation.Field.Content {
        guard case .object(let members) = json, place.depth == 3 else { return .value(try scalar(json, at: place)) }
        guard model.resource(at: place)?.isMultiple != false else {
            throw .badPayload("the resource has a single value")
        }
        var instances: [Operation.Field] = []
        for member in members {
            guard let identifier = ObjectPath(segments: [member.name])?.object else {
                throw .badPayload("\"\(member.name)\" is no resource instance id")
            }
            let value = try scalar(member.value, at: place.appending(identifier))
            instances.append(Operation.Field(identifier: identifier, content: .value(value)))
        }
        return .multiple(instances)
    }

    private func scalar(_ json: JSON, at place: ObjectPath) throws(CommandError) -> ResourceValue {
        guard let definition = model.resource(at: place) else {
            guard let value = ResourceValue(guessing: json) else { throw .badPayload("expected a JSON scalar") }
            return value
        }
        guard place.depth == 4 || !definition.isMultiple else {
            throw .badPayload("the resource has instances: expected a JSON object of instance ids and values")
        }
        return try value(json, definition.type)
    }

    private func typed(_ json: JSON, _ name: JSON) throws(CommandError) -> ResourceValue {
        guard case .string(let name) = name, let type = DataType(rawValue: name), let json = json["value"] else {
            throw .badPayload("expected {\"value\": …, \"type\": …}")
        }
        return try value(json, type)
    }

    private func value(_ json: JSON, _ type: DataType) throws(CommandError) -> ResourceValue {
        do { return try ResourceValue(json: json, type: type) } catch {
            throw .badPayload("the payload is no JSON value of type \(type)")
        }
    }

    private func json() throws(CommandError) -> JSON {
        do { return try JSON.decode(payload[...], limits: limits) } catch {
            throw .badPayload("the payload is no JSON: \(error)")
        }
    }

    // MARK: Arguments of Execute

    /// Nothing, a JSON string in the device's own syntax, or a JSON object `{"0": "text", "3": null}`.
    func arguments() throws(CommandError) -> String {
        guard !payload.isEmpty else { return "" }
        switch try json() {
        case .null:
            return ""
        case .string(let text):
            guard ExecuteArguments.isValid(text) else { throw .badPayload("not an argument list: 0='text',1") }
            return text
        case .object(let members):
            let text = members.map { member in
                if case .string(let value) = member.value { "\(member.name)='\(value)'" } else { member.name }
            }.joined(separator: ",")
            let plain = members.allSatisfy { if case .string = $0.value { true } else { $0.value == .null } }
            guard plain, ExecuteArguments.isValid(text) else {
                throw .badPayload("arguments are digits with texts or null")
            }
            return text
        default:
            throw .badPayload("expected a JSON string or object of arguments")
        }
    }
}

/// The argument list of Execute (LwM2M Core 1.1 6.3.5): `0='a,b',1`.
enum ExecuteArguments {
    static func isValid(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        guard !rest.isEmpty else { return true }
        while true {
            // One digit names the argument.
            guard let digit = rest.popFirst(), 0x30...0x39 ~= digit else { return false }
            if rest.first == UInt8(ascii: "=") {
                guard rest.dropFirst().first == UInt8(ascii: "'") else { return false }
                rest = rest.dropFirst(2)
                // A value ends at its closing quote and cannot hold one; controls have no place in it either.
                guard let end = rest.firstIndex(of: UInt8(ascii: "'")),
                    rest[..<end].allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
                else { return false }
                rest = rest[(end + 1)...]
            }
            guard let separator = rest.popFirst() else { return true }
            guard separator == UInt8(ascii: ",") else { return false }
        }
    }
}
