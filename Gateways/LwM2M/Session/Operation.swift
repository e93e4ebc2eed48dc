/// One device-management request, typed and checked: what a command's topic and payload mean.
enum Operation: Equatable, Sendable {
    case read(ObjectPath)
    case discover(ObjectPath)
    case observe(ObjectPath)
    case cancel(ObjectPath)
    /// A single resource or one resource instance.
    case write(ObjectPath, ResourceValue)
    /// All instances of a multiple resource at once.
    case writeMultiple(ObjectPath, [Field])
    /// Several resources of an instance; `replace` removes those not named (LwM2M Core 1.1 6.3.3).
    case writeInstance(ObjectPath, [Field], replace: Bool)
    case execute(ObjectPath, arguments: String)
    /// Path of the object, or of the instance when its id is chosen.
    case create(ObjectPath, [Field])
    case delete(ObjectPath)

    /// A child's id with its value or, for a multiple resource, its instances.
    struct Field: Equatable, Sendable {
        enum Content: Equatable, Sendable {
            case value(ResourceValue)
            case multiple([Field])
        }

        var identifier: UInt16
        var content: Content
    }

    var path: ObjectPath {
        switch self {
        case .read(let path), .discover(let path), .observe(let path), .cancel(let path), .delete(let path): path
        case .write(let path, _), .writeMultiple(let path, _), .writeInstance(let path, _, _): path
        case .execute(let path, _), .create(let path, _): path
        }
    }

    /// As reports call it.
    var name: String {
        switch self {
        case .read: "read"
        case .discover: "discover"
        case .observe: "observe"
        case .cancel: "cancel"
        case .write, .writeMultiple, .writeInstance: "write"
        case .execute: "execute"
        case .create: "create"
        case .delete: "delete"
        }
    }
}

extension Operation {
    /// Doing it twice leaves the device as doing it once does (RFC 7252 5.1 for the methods; LwM2M's POST is not among them).
    var isIdempotent: Bool {
        switch self {
        case .execute, .create: false
        default: true
        }
    }
}

/// Why a command is refused before anything is sent.
enum CommandError: Error, Equatable, Sendable {
    /// The topic names no object path, or the verb cannot be asked for it.
    case badTopic
    case notReadable
    case notWritable
    case notExecutable
    case unknownResource
    case badPayload(String)
    case notRegistered
    /// Cancel of something that is not observed.
    case notObserved
    /// It may have been carried out before the connection to the device broke; doing it twice could do harm.
    case interrupted
    /// A limit of this gateway: observations of one device.
    case limitReached

    /// Stable word for programs.
    var code: String {
        switch self {
        case .badTopic: "bad_topic"
        case .notReadable: "not_readable"
        case .notWritable: "not_writable"
        case .notExecutable: "not_executable"
        case .unknownResource: "unknown_resource"
        case .badPayload: "bad_payload"
        case .notRegistered: "not_registered"
        case .notObserved: "not_observed"
        case .interrupted: "interrupted"
        case .limitReached: "limit_reached"
        }
    }

    /// A sentence for people.
    var message: String {
        switch self {
        case .badTopic: "the topic names no object path this command applies to"
        case .notReadable: "the resource cannot be read"
        case .notWritable: "the resource is read-only"
        case .notExecutable: "the resource cannot be executed"
        case .unknownResource: "the model has no such resource: send {\"value\": …, \"type\": …} if the device has it"
        case .badPayload(let detail): detail
        case .notRegistered: "no device is registered under this endpoint name"
        case .notObserved: "the path is not observed"
        case .interrupted:
            "the device registered anew before it answered: whether the command was carried out is unknown"
        case .limitReached: "too many observations of this device"
        }
    }
}
