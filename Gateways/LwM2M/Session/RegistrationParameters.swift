/// The query of Register and Update (LwM2M Core 1.1 6.2.1 and 6.2.2), as far as it was given.
struct RegistrationParameters: Equatable, Sendable {
    var endpoint: String?
    /// `lt`, in seconds.
    var lifetime: UInt32?
    var version: LwM2MVersion?
    /// `b`: letters of U (UDP), T (TCP), S (SMS), N (non-IP), in LwM2M 1.0 also Q.
    var binding: String?
    /// The bare `Q` of LwM2M 1.1.
    var queueMode = false
    /// `sms`: the device's number.
    var phoneNumber: String?
    /// What vendors add, in order.
    var others: [Attribute] = []

    struct Attribute: Equatable, Sendable {
        var name: String
        /// nil for a bare name.
        var value: String?
    }
}

/// Releases this gateway serves.
enum LwM2MVersion: String, Sendable, Comparable {
    case v10 = "1.0"
    case v11 = "1.1"
    case v12 = "1.2"

    static func < (left: LwM2MVersion, right: LwM2MVersion) -> Bool { left.rawValue < right.rawValue }
}

/// Why a registration request is refused.
enum RegistrationError: Error, Equatable, Sendable {
    /// A parameter is missing, malformed or given twice.
    case badParameter(String)
    /// The object list cannot be read or names no object.
    case badObjectList
    /// Well-formed, but not a release this gateway serves.
    case unsupportedVersion
    /// The location is unknown or its registration has ended.
    case unknownLocation
    /// The broker does not let this endpoint in.
    case forbidden
    /// The limit on registrations is reached, or the gateway is stopping.
    case unavailable
}

extension RegistrationParameters {
    /// Reads Uri-Query options. They are UTF-8 without percent signs at work (RFC 7252 5.10.1), so nothing is unescaped.
    init(queries: [String], limits: Limits = Limits()) throws(RegistrationError) {
        guard queries.count <= limits.queryParameters else { throw .badParameter("too many parameters") }
        var seen: Set<Substring> = []
        for query in queries {
            let parts = query.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0]
            // Two spellings of one parameter leave open which holds.
            guard seen.insert(name).inserted else { throw .badParameter("\(name) is given twice") }
            try set(name, to: parts.count == 2 ? String(parts[1]) : nil, limits)
        }
    }

    private mutating func set(_ name: Substring, to value: String?, _ limits: Limits) throws(RegistrationError) {
        switch (name, value) {
        case ("ep", let value): endpoint = try Self.endpointName(value, limits)
        case ("lt", let value): lifetime = try Self.seconds(value)
        case ("lwm2m", let value): version = try Self.version(value)
        case ("b", let value): binding = try Self.binding(value)
        // LwM2M Core 1.1 6.2.1: the flag has no value; some devices write `Q=`.
        case ("Q", nil), ("Q", ""): queueMode = true
        case ("sms", let value): phoneNumber = value
        default: others.append(Attribute(name: String(name), value: value))
        }
    }

    /// The name becomes one level of a topic: separators, wildcards and control characters have no place in it.
    private static func endpointName(_ value: String?, _ limits: Limits) throws(RegistrationError) -> String {
        guard let value, !value.isEmpty, value.utf8.count <= limits.endpointNameBytes,
            value.unicodeScalars.allSatisfy({ scalar in
                !"/+#".unicodeScalars.contains(scalar) && scalar.properties.generalCategory != .control
            })
        else { throw .badParameter("ep") }
        return value
    }

    private static func seconds(_ value: String?) throws(RegistrationError) -> UInt32 {
        guard let value, value.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let seconds = UInt32(value) else {
            throw .badParameter("lt")
        }
        return seconds
    }

    /// LwM2M Core 1.1 6.2.1: 4.12 for a release we do not serve; 4.00 for what is no release number.
    private static func version(_ value: String?) throws(RegistrationError) -> LwM2MVersion {
        let digits = (value ?? "").split(separator: ".", omittingEmptySubsequences: false)
        guard let value, digits.count == 2, digits.allSatisfy({ UInt8($0) != nil }) else {
            throw .badParameter("lwm2m")
        }
        guard let version = LwM2MVersion(rawValue: value) else { throw .unsupportedVersion }
        return version
    }

    private static func binding(_ value: String?) throws(RegistrationError) -> String {
        guard let value, 1...5 ~= value.utf8.count, value.allSatisfy({ "UTSNQ".contains($0) }),
            Set(value).count == value.count
        else { throw .badParameter("b") }
        return value
    }
}
