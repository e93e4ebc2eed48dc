import Messaging
import NIOCore

/// ADVERTISE, as often as the settings say (MQTT-SN 6.1).
struct Advertising {
    let targets: [SocketAddress]
    let seconds: UInt16
    var dueAt: Timestamp
}

extension GatewayLoop {
    /// Begins to send ADVERTISE, the first with the next timers (MQTT-SN 6.1).
    func beginAdvertising(to targets: [SocketAddress], every seconds: UInt16) {
        advertising = Advertising(targets: targets, seconds: seconds, dueAt: now)
    }

    func advertiseIfDue() {
        guard let current = advertising, current.dueAt <= now else { return }
        advertising?.dueAt = now + .seconds(Int64(current.seconds))
        // Nobody is invited to a gateway that cannot serve (MQTT-SN 6.1).
        guard broker.canServe else { return }
        for target in current.targets {
            let route = Route(peer: PeerAddress(remote: target, nodeID: nil), local: nil)
            send(.advertise(Packet.Advertise(gatewayID: settings.gatewayID, duration: current.seconds)), to: route)
        }
    }
}
