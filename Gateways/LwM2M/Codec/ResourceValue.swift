/// The data types of LwM2M resources (LwM2M Core 1.1 Appendix C, table C-1).
enum DataType: String, Equatable, Sendable, CaseIterable, CustomStringConvertible {
    case string, integer, unsigned, float, boolean, opaque, time
    case objectLink = "objlnk"
    case coreLink = "corelnk"
    /// Executable resources have no value.
    case none

    var description: String { rawValue }
}

/// A reference to an object instance; 65535 in a part means "none".
struct ObjectLink: Equatable, Sendable, CustomStringConvertible {
    var object: UInt16
    var instance: UInt16

    /// The text form `object:instance`.
    var description: String { "\(object):\(instance)" }
}

/// One typed value of a resource or resource instance, independent of the format it travels in.
enum ResourceValue: Equatable, Sendable {
    case string(String)
    case integer(Int64)
    case unsigned(UInt64)
    case float(Double)
    case boolean(Bool)
    case opaque([UInt8])
    /// Seconds since 1970-01-01T00:00:00Z; negative values are legal.
    case time(Int64)
    case objectLink(ObjectLink)
    case coreLink(String)

    var type: DataType {
        switch self {
        case .string: .string
        case .integer: .integer
        case .unsigned: .unsigned
        case .float: .float
        case .boolean: .boolean
        case .opaque: .opaque
        case .time: .time
        case .objectLink: .objectLink
        case .coreLink: .coreLink
        }
    }
}

/// A value at its place: what every reading format is decoded into.
struct ResourceRecord: Equatable, Sendable {
    var path: ObjectPath
    var value: ResourceValue
}
