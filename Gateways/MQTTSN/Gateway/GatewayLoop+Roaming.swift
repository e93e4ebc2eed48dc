import Messaging

/// Where a client may be heard from: its address is only where it was heard last, and client ids are no secret.
extension GatewayLoop {
    /// Lets a client be heard from another address, as far as `Roaming` allows.
    func follows(_ device: Device, to route: Route) -> Bool {
        guard table.isSame(device.route.peer, route.peer) || mayRoam(device, to: route.peer) else { return false }
        table.unbind(device)
        move(device, to: route)
        table.bind(device)
        return true
    }

    /// The way back to a client is always the one it was heard on last.
    func move(_ device: Device, to route: Route) {
        let old = device.route.peer
        // Equal routes are one object each, of which one is enough for as long as its client stays.
        guard device.route != route else { return }
        device.route = route
        guard old != route.peer else { return }
        counters.roams.add()
        device.history.roams &+= 1
        statusChanged(of: device)
        events.record(.roamed(device.clientID, from: old.record.address, to: route.peer.record.address))
    }

    /// A DTLS session that proves a client id has no use for another; and as long as a client is connected by such a session,
    /// nobody gets its name by another way.
    func mayBe(_ clientID: ClientID, _ route: Route) -> Bool {
        let association = route.peer.association
        guard association?.allows(clientID) ?? true else { return false }
        let isProven = client(clientID)?.route.peer.association?.proves(clientID) ?? false
        return !isProven || association?.proves(clientID) ?? false
    }

    /// Who proves to be the client may move at any time. Without proof only a sleeper moves, and never between DTLS and none.
    private func mayRoam(_ device: Device, to new: PeerAddress) -> Bool {
        guard settings.roaming != .none else { return false }
        if let association = new.association { return association.proves(device.clientID) }
        guard device.route.peer.association == nil, device.machine.phase == .asleep else { return false }
        return switch settings.roaming {
        case .none, .authenticated: false
        case .port: device.route.peer.isSameHost(as: new)
        case .address: true
        }
    }
}
