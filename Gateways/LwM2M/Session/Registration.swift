import CoAP

/// What a registered device said about itself. Time and addresses are not its business.
struct Registration: Equatable, Sendable {
    let endpoint: String
    let version: LwM2MVersion
    /// nil: never ends.
    var lifetime: Duration?
    var binding: String
    var usesQueueMode: Bool
    var phoneNumber: String?
    var attributes: [RegistrationParameters.Attribute]
    var objects: ObjectList

    /// LwM2M Core 1.1 6.2.1, table 6.2.1-1.
    static let defaultLifetime: UInt32 = 86_400
}

/// Which lifetimes are granted; a device that asks for less or more gets the nearest.
package struct LifetimePolicy: Equatable, Sendable {
    package var minimum = Duration.seconds(1)
    package var maximum = Duration.seconds(31_536_000)
    /// Time after the lifetime within which a late Update still finds its registration.
    package var grace = Duration.seconds(5)

    package init() {}

    func granted(_ seconds: UInt32, version: LwM2MVersion) -> Duration? {
        // LwM2M Core 1.2 6.2.1: a lifetime of 0 is infinite.
        if seconds == 0, version >= .v12 { return nil }
        return min(max(.seconds(Int64(seconds)), minimum), maximum)
    }
}

extension Registration {
    /// A Register request (LwM2M Core 1.1 6.2.1).
    init(
        _ parameters: RegistrationParameters, objects: ObjectList, lifetimes: LifetimePolicy
    ) throws(RegistrationError) {
        guard let endpoint = parameters.endpoint else { throw .badParameter("ep is missing") }
        guard let version = parameters.version else { throw .badParameter("lwm2m is missing") }
        guard !objects.paths.isEmpty else { throw .badObjectList }
        self.init(
            endpoint: endpoint, version: version,
            lifetime: lifetimes.granted(parameters.lifetime ?? Self.defaultLifetime, version: version),
            binding: parameters.binding ?? "U", usesQueueMode: Self.queueMode(parameters),
            phoneNumber: parameters.phoneNumber, attributes: parameters.others, objects: objects)
    }

    /// An Update request: only what it names changes (LwM2M Core 1.1 6.2.2).
    mutating func update(
        _ parameters: RegistrationParameters, objects: ObjectList?, lifetimes: LifetimePolicy
    ) throws(RegistrationError) {
        // The endpoint name and the release belong to Register only; repeating them unchanged does no harm.
        guard (parameters.endpoint ?? endpoint) == endpoint else { throw .badParameter("ep") }
        guard (parameters.version ?? version) == version else { throw .badParameter("lwm2m") }
        if let objects {
            guard !objects.paths.isEmpty else { throw .badObjectList }
            self.objects = objects
        }
        if let seconds = parameters.lifetime { lifetime = lifetimes.granted(seconds, version: version) }
        if let binding = parameters.binding {
            self.binding = binding
            usesQueueMode = Self.queueMode(parameters)
        }
        phoneNumber = parameters.phoneNumber ?? phoneNumber
        for attribute in parameters.others {
            attributes.removeAll { $0.name == attribute.name }
            attributes.append(attribute)
        }
    }

    /// LwM2M 1.0 has queue mode as a letter of the binding (1.0.2 5.3.1.1), 1.1 as a flag of its own.
    private static func queueMode(_ parameters: RegistrationParameters) -> Bool {
        parameters.queueMode || parameters.binding?.contains("Q") == true
    }
}

extension Registration {
    /// The retained status of an online device.
    func status(reason: String) -> JSON {
        .object([
            "status": .string("online"),
            "reason": .string(reason),
            "version": .string(version.rawValue),
            "lifetime": lifetime.map { .integer($0.components.seconds) } ?? .null,
            "binding": .string(binding),
            "queue_mode": .boolean(usesQueueMode),
            "objects": .array(objects.paths.map { .string($0.description) }),
            "object_versions": objects.versions.isEmpty
                ? nil
                : .object(
                    objects.versions.sorted { $0.key < $1.key }.map {
                        JSON.Member(name: "\($0.key)", value: .string($0.value))
                    }),
            "root_path": objects.rootPath.isEmpty ? nil : .string(objects.rootPath.map { "/\($0)" }.joined()),
            "formats": objects.contentFormats.isEmpty
                ? nil
                : .array(
                    objects.contentFormats.map { .integer(Int64($0.rawValue)) }),
            "sms": phoneNumber.map { .string($0) },
            "attributes": attributes.isEmpty
                ? nil
                : .object(
                    attributes.map { JSON.Member(name: $0.name, value: $0.value.map { .string($0) } ?? .null) }),
        ])
    }

    /// The retained status of a device that is gone.
    static func offline(reason: String) -> JSON {
        .object(["status": .string("offline"), "reason": .string(reason)])
    }
}
