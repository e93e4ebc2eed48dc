import Messaging

/// Everybody who is connected or about to be: by number, by client id once in, and by peer. There is one for very many sleepers, so
/// the keys are not kept a second time beside the devices that have them.
struct DeviceTable {
    /// Nodes are known by their id alone, whichever forwarder they come by: the operator has named the forwarders.
    let trustsForwarders: Bool
    private var places: ContiguousArray<Device?> = []
    private var free: [Int] = []
    private var lastNumber: UInt64 = 0
    private var byClientID = PlaceTable()
    private var byPeer = PlaceTable()

    init(trustsForwarders: Bool) { self.trustsForwarders = trustsForwarders }

    /// Devices in all.
    var count: Int { places.count - free.count }
    /// Those that are clients.
    var clientCount: Int { byClientID.count }
    var all: some Sequence<Device> { places.lazy.compactMap(\.self) }

    // MARK: By number

    /// The number of the next device to be inserted: its place, and what tells it from who had that place before.
    mutating func nextSerial() -> UInt64 {
        lastNumber += 1
        return lastNumber << 32 | UInt64(free.last ?? places.count)
    }

    mutating func insert(_ device: Device) {
        let place = Self.place(device.serial)
        if place == places.count { places.append(device) } else { places[place] = device }
        if free.last == place { free.removeLast() }
    }

    subscript(serial: UInt64) -> Device? {
        let place = Self.place(serial)
        guard places.indices.contains(place), let device = places[place], device.serial == serial else { return nil }
        return device
    }

    /// Takes a device out altogether.
    /// - Returns: false when it was not there.
    mutating func remove(_ device: Device) -> Bool {
        guard self[device.serial] != nil else { return false }
        unbind(device)
        endClient(device)
        places[Self.place(device.serial)] = nil
        free.append(Self.place(device.serial))
        return true
    }

    private static func place(_ serial: UInt64) -> Int { Int(truncatingIfNeeded: serial & 0xFFFF_FFFF) }

    // MARK: By client id

    subscript(clientID: ClientID) -> Device? {
        byClientID.find(clientID.hashValue) { places[$0]?.clientID == clientID }.flatMap { places[$0] }
    }

    /// `device`, which is in the table, is the client of that id from now on.
    mutating func makeClient(_ device: Device) {
        if let current = self[device.clientID] { endClient(current) }
        byClientID.insert(Self.place(device.serial), hashOf: hashOfClientID)
    }

    private mutating func endClient(_ device: Device) {
        guard self[device.clientID] === device else { return }
        byClientID.remove(Self.place(device.serial), hashOf: hashOfClientID)
    }

    private var hashOfClientID: (Int) -> Int { { [places] in places[$0]?.clientID.hashValue ?? 0 } }

    // MARK: By peer

    subscript(peer: PeerAddress) -> Device? {
        let key = key(of: peer)
        return byPeer.find(key.hashValue) { place in places[place].map { self.key(of: $0.route.peer) } == key }
            .flatMap { places[$0] }
    }

    /// The peer a device has is known to be that device from now on.
    mutating func bind(_ device: Device) {
        if let current = self[device.route.peer] { unbind(current) }
        byPeer.insert(Self.place(device.serial), hashOf: hashOfPeer)
    }

    /// To be called before a device's peer changes to one of another key.
    mutating func unbind(_ device: Device) {
        guard self[device.route.peer] === device else { return }
        byPeer.remove(Self.place(device.serial), hashOf: hashOfPeer)
    }

    private var hashOfPeer: (Int) -> Int {
        { [places, trustsForwarders] place in
            places[place].map { Self.key(of: $0.route.peer, trustsForwarders: trustsForwarders).hashValue } ?? 0
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
