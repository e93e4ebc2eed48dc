import Messaging

/// Everybody who is connected or about to be: by number, by client id once in, and by peer. There is one for very many sleepers, so
/// the keys are not kept a second time beside the devices that have them, and who sleeps is a `RestingDevice`: whoever is asked for
/// becomes a `Device`, and rests again at the end of the turn, if it can.
struct DeviceTable {
    private enum Place {
        case free
        case device(Device)
        case resting(RestingDevice)

        var serial: UInt64? {
            switch self {
            case .free: nil
            case .device(let device): device.serial
            case .resting(let resting): resting.serial
            }
        }

        var clientID: ClientID? {
            switch self {
            case .free: nil
            case .device(let device): device.clientID
            case .resting(let resting): resting.clientID
            }
        }

        var peer: PeerAddress? {
            switch self {
            case .free: nil
            case .device(let device): device.route.peer
            case .resting(let resting): resting.route.peer
            }
        }
    }

    /// Nodes are known by their id alone, whichever forwarder they come by: the operator has named the forwarders.
    let trustsForwarders: Bool
    private var places = PagedArray<Place>()
    /// Places of those that may be able to rest at the end of the turn.
    private var tired: [Int] = []
    private var free: [Int] = []
    private var lastNumber: UInt64 = 0
    private var byClientID = PlaceTable()
    private var byPeer = PlaceTable()

    /// Of whom the devices are; set once.
    unowned var loop: GatewayLoop?

    init(trustsForwarders: Bool) { self.trustsForwarders = trustsForwarders }

    /// Devices in all.
    var count: Int { places.count - free.count }
    /// Those that are clients.
    var clientCount: Int { byClientID.count }
    var serials: [UInt64] { places.indices.compactMap { places[$0].serial } }

    /// The first client that sleeps at or behind a place.
    /// - Parameter version: of one version only; nil for any.
    func nextSleeper(from start: Int, of version: ProtocolVersion?) -> Int? {
        (start..<max(start, places.count)).first { place in
            switch places[place] {
            case .free: false
            case .device(let device): device.machine.phase == .asleep && device.version == version ?? device.version
            // Clients of 2.0 do not rest.
            case .resting: version != .v20
            }
        }
    }

    // MARK: Rest

    var restingCount: Int { places.indices.count { if case .resting = places[$0] { true } else { false } } }

    /// To be called when `device` has fallen asleep, or is still asleep after something has happened.
    mutating func mayRest(_ device: Device) { tired.append(Self.place(device.serial)) }

    /// Lets rest who can. Nobody may hold a device of this table during this call.
    mutating func rest(now: Timestamp) {
        for place in tired {
            if case .device(let device) = places[place], let resting = device.resting(now: now) {
                places[place] = .resting(resting)
            }
        }
        tired.removeAll(keepingCapacity: true)
    }

    mutating func device(at place: Int) -> Device? {
        switch places[place] {
        case .free: return nil
        case .device(let device): return device
        case .resting(let resting):
            guard let loop else { preconditionFailure("a table belongs to a loop, which sets itself when it begins") }
            let device = Device(resting, loop: loop)
            places[place] = .device(device)
            tired.append(place)
            return device
        }
    }

    // MARK: By number

    /// The number of the next device to be inserted: its place, and what tells it from who had that place before.
    mutating func nextSerial() -> UInt64 {
        lastNumber += 1
        return lastNumber << 32 | UInt64(free.last ?? places.count)
    }

    mutating func insert(_ device: Device) {
        let place = Self.place(device.serial)
        if place == places.count { places.append(.device(device)) } else { places[place] = .device(device) }
        if free.last == place { free.removeLast() }
    }

    subscript(serial: UInt64) -> Device? {
        mutating get { contains(serial) ? device(at: Self.place(serial)) : nil }
    }

    func contains(_ serial: UInt64) -> Bool {
        let place = Self.place(serial)
        return place < places.count && places[place].serial == serial
    }

    /// Takes a device out altogether.
    /// - Returns: false when it was not there.
    mutating func remove(_ device: Device) -> Bool {
        guard contains(device.serial) else { return false }
        unbind(device)
        endClient(device)
        places[Self.place(device.serial)] = .free
        free.append(Self.place(device.serial))
        return true
    }

    static func place(_ serial: UInt64) -> Int { Int(truncatingIfNeeded: serial & 0xFFFF_FFFF) }

    // MARK: By client id

    subscript(clientID: ClientID) -> Device? {
        mutating get { place(of: clientID).flatMap { device(at: $0) } }
    }

    private func place(of clientID: ClientID) -> Int? {
        byClientID.find(clientID.hashValue) { places[$0].clientID == clientID }
    }

    /// `device`, which is in the table, is the client of that id from now on.
    mutating func makeClient(_ device: Device) {
        if let current = place(of: device.clientID) { byClientID.remove(current, hashOf: hashOfClientID) }
        byClientID.insert(Self.place(device.serial), hashOf: hashOfClientID)
    }

    private mutating func endClient(_ device: Device) {
        guard place(of: device.clientID) == Self.place(device.serial) else { return }
        byClientID.remove(Self.place(device.serial), hashOf: hashOfClientID)
    }

    private var hashOfClientID: (Int) -> Int { { [places] in places[$0].clientID?.hashValue ?? 0 } }

    // MARK: By peer

    subscript(peer: PeerAddress) -> Device? {
        mutating get { place(of: peer).flatMap { device(at: $0) } }
    }

    private func place(of peer: PeerAddress) -> Int? {
        let key = key(of: peer)
        return byPeer.find(key.hashValue) { place in places[place].peer.map { self.key(of: $0) } == key }
    }

    /// Whether a device's peer is known to be that device.
    func isBound(_ device: Device) -> Bool {
        place(of: device.route.peer) == Self.place(device.serial) && contains(device.serial)
    }

    /// The peer a device has is known to be that device from now on.
    mutating func bind(_ device: Device) {
        if let current = place(of: device.route.peer) { byPeer.remove(current, hashOf: hashOfPeer) }
        byPeer.insert(Self.place(device.serial), hashOf: hashOfPeer)
    }

    /// To be called before a device's peer changes to one of another key.
    mutating func unbind(_ device: Device) {
        guard isBound(device) else { return }
        byPeer.remove(Self.place(device.serial), hashOf: hashOfPeer)
    }

    private var hashOfPeer: (Int) -> Int {
        { [places, trustsForwarders] place in
            places[place].peer.map { Self.key(of: $0, trustsForwarders: trustsForwarders).hashValue } ?? 0
        }
    }

    /// Whether two peers are one to this table.
    func isSame(_ peer: PeerAddress, _ other: PeerAddress) -> Bool { key(of: peer) == key(of: other) }

    private func key(of peer: PeerAddress) -> PeerKey { Self.key(of: peer, trustsForwarders: trustsForwarders) }

    /// A node is the same behind any of the forwarders an operator has named: they are trusted with node ids, so a node may
    /// move between them at any time. Behind others it is a node of that address only.
    private static func key(of peer: PeerAddress, trustsForwarders: Bool) -> PeerKey {
        let association = peer.association?.number
        guard let nodeID = peer.nodeID else { return association.map { .association($0) } ?? .address(peer.endpoint) }
        guard !trustsForwarders else { return .node(nodeID) }
        return association.map { .nodeOf($0, nodeID) } ?? .nodeBehind(peer.endpoint, nodeID)
    }
}
