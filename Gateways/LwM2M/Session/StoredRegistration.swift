import CoAP
import Messaging

/// A registration as it is kept beyond the end of the gateway, so that the device's next Update finds it (LwM2M Core 1.1 6.2.2).
struct StoredRegistration: Equatable, Sendable {
    var registration: Registration
    /// Second segment of its path, `/rd/{location}`: the device knows it by heart.
    var location: String
    /// When it ends, wall clock; nil without a lifetime.
    var expiresAt: Duration?
    /// What somebody asked to observe. The device has forgotten it, or will when it hears an unknown token; it is set up again.
    var observed: [ObjectPath]
    /// Where the device was last, for who may come in; it is not written to before it has spoken.
    var address: String
    var isLoopback: Bool
}

// MARK: - Writing

extension StoredRegistration {
    var json: JSON {
        .object([
            "endpoint": .string(registration.endpoint),
            "location": .string(location),
            "version": .string(registration.version.rawValue),
            "lifetime": registration.lifetime.map { .integer($0.components.seconds) },
            "binding": .string(registration.binding),
            "queue_mode": .boolean(registration.usesQueueMode),
            "sms": registration.phoneNumber.map { .string($0) },
            "attributes": .array(
                registration.attributes.map { .array([.string($0.name), $0.value.map { .string($0) } ?? .null]) }),
            "objects": .string(String(decoding: Link.encodeList(registration.objects.links), as: UTF8.self)),
            "expires_at": expiresAt.map { .integer($0.components.seconds) },
            "observed": .array(observed.map { .string($0.description) }),
            "address": .string(address),
            "loopback": .boolean(isLoopback),
        ])
    }
}

extension ObjectList {
    /// Links that read back as this list.
    var links: [Link] {
        let root = rootPath.map { "/\($0)" }.joined()
        var links = paths.map { path in
            let version = path.depth == 1 ? path.object.flatMap { versions[$0] } : nil
            return Link(
                target: "\(root)\(path)", attributes: version.map { [Link.Attribute(name: "ver", value: $0)] } ?? [])
        }
        if !root.isEmpty || !contentFormats.isEmpty {
            let formats = contentFormats.map { "\($0.rawValue)" }.joined(separator: " ")
            links.append(
                Link(
                    target: root.isEmpty ? "/" : root,
                    attributes: [
                        Link.Attribute(name: "rt", value: "oma.lwm2m"), Link.Attribute(name: "ct", value: formats),
                    ]))
        }
        return links
    }
}

// MARK: - Reading

extension StoredRegistration {
    /// Nil when the octets are not what was written.
    init?(_ octets: [UInt8], limits: Limits) {
        var limits = limits
        limits.bodyBytes *= 4  // the object list as it came, escaped, and some more
        guard let json = try? JSON.decode(octets[...], limits: limits), let endpoint = json["endpoint"]?.text,
            let location = json["location"]?.text,
            let version = json["version"]?.text.flatMap(LwM2MVersion.init(rawValue:)),
            let binding = json["binding"]?.text, let links = json["objects"]?.text,
            let objects = try? ObjectList(body: Array(links.utf8)[...], limits: limits),
            let address = json["address"]?.text
        else { return nil }
        registration = Registration(
            endpoint: endpoint, version: version, lifetime: json["lifetime"]?.seconds, binding: binding,
            usesQueueMode: json["queue_mode"] == .boolean(true), phoneNumber: json["sms"]?.text,
            attributes: json["attributes"]?.elements.compactMap { Self.attribute($0.elements) } ?? [], objects: objects)
        self.location = location
        expiresAt = json["expires_at"]?.seconds
        observed = json["observed"]?.elements.compactMap { $0.text.flatMap { ObjectPath(text: $0[...]) } } ?? []
        self.address = address
        isLoopback = json["loopback"] == .boolean(true)
    }

    private static func attribute(_ parts: [JSON]) -> RegistrationParameters.Attribute? {
        parts.first?.text.map { RegistrationParameters.Attribute(name: $0, value: parts.last?.text) }
    }
}

extension JSON {
    fileprivate var text: String? { if case .string(let text) = self { text } else { nil } }
    fileprivate var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }
    fileprivate var seconds: Duration? { if case .integer(let seconds) = self { .seconds(seconds) } else { nil } }
}
