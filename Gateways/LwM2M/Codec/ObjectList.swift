import CoAP

/// What a device says it has: the object links of Register and Update (LwM2M Core 1.1 6.2.1).
struct ObjectList: Equatable, Sendable {
    /// Objects and object instances, sorted, without duplicates.
    var paths: [ObjectPath] = []
    /// Object versions named by `ver`; the others have their default version.
    var versions: [UInt16: String] = [:]
    /// Segments every request path starts with; empty unless a link says `rt="oma.lwm2m"` elsewhere than at `/`.
    var rootPath: [String] = []
    /// Formats named by `ct` of the root link.
    var contentFormats: [ContentFormat] = []

    func contains(object: UInt16) -> Bool { paths.contains { $0.object == object } }

    /// Instances of one object in ascending order.
    func instances(of object: UInt16) -> [ObjectPath] { paths.filter { $0.object == object && $0.depth == 2 } }
}

extension ObjectList {
    init(body: ArraySlice<UInt8>, limits: Limits = Limits()) throws(DecodeError) {
        self.init(links: try Link.decodeList(body, limits: limits))
    }

    /// Links that are not below the root path, or are no object paths, belong to other uses of the device's CoAP server.
    init(links: [Link]) {
        readRoot(links)
        let prefix = rootPath.map { "/\($0)" }.joined()
        var found: Set<ObjectPath> = []
        for link in links where link.target.hasPrefix(prefix) {
            guard let path = ObjectPath(text: link.target.dropFirst(prefix.count)), 1...2 ~= path.depth else {
                continue
            }
            found.insert(path)
            if path.depth == 1, let object = path.object, let version = link["ver"] { versions[object] = version }
        }
        paths = found.sorted()
    }

    /// LwM2M Core 1.1 6.2.1: the link with resource type oma.lwm2m is the alternate root; its `ct` lists formats.
    private mutating func readRoot(_ links: [Link]) {
        let root = links.first { $0["rt"]?.split(separator: " ").contains("oma.lwm2m") == true }
        guard let root = root ?? links.first(where: { $0.target == "/" }) else { return }
        rootPath = root.target.split(separator: "/").map(String.init)
        contentFormats = (root["ct"] ?? "").split(separator: " ").compactMap { UInt16($0) }
            .map(ContentFormat.init(rawValue:))
    }
}
