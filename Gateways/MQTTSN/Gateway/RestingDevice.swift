import Messaging

/// What has to be known of a client that sleeps and for which nothing is under way: less than half of a `Device`, and no object of its
/// own. Most of very many devices are this most of the time.
struct RestingDevice {
    // Small things stand behind those that leave them room.

    let attachment: any Attachment
    let route: Route
    let serial: UInt64
    let machine: RestingMachine
    let keptSleep: UInt32
    let history: ClientStatus.History
    let isStatusPending: Bool
    let hasReportedExhaustion: Bool

    /// The attachment knows it, so that it is not kept twice.
    var clientID: ClientID { attachment.clientID }
}

/// The same of its machine.
struct RestingMachine {
    let policy: SessionPolicy
    /// `never` for none: an optional would take eight octets more.
    let wakeExpectedAt: Timestamp
    /// Of its CONNECT, as are the two below.
    let keepAlive: UInt16
    let sleepDuration: UInt16
    let lastSubscribeID: UInt16
    let delivery: RestingDelivery
    let hasWill: Bool
    let isCleanSession: Bool

    func connect(_ clientID: ClientID) -> Packet.Connect {
        Packet.Connect(will: hasWill, cleanSession: isCleanSession, duration: keepAlive, clientID: clientID.string)
    }
}

struct RestingDelivery {
    let lastMessageID: UInt16
    let namesOffered: UInt16
}

extension ConnectionMachine {
    /// Nil while there is more to be known than fits.
    func resting(now: Timestamp) -> RestingMachine? {
        guard phase == .asleep, draft == nil, isQuiet(now: now), let delivery = delivery.resting else { return nil }
        return RestingMachine(
            policy: policy, wakeExpectedAt: wakeExpectedAt ?? .never, keepAlive: connect.duration,
            sleepDuration: sleepDuration, lastSubscribeID: lastSubscribeID, delivery: delivery, hasWill: connect.will,
            isCleanSession: connect.cleanSession)
    }
}

extension Device {
    /// Nil while there is more to be known than fits.
    func resting(now: Timestamp) -> RestingDevice? {
        guard let attachment, attachment.clientID == clientID, isQuiet, let machine = machine.resting(now: now)
        else { return nil }
        return RestingDevice(
            attachment: attachment, route: route, serial: serial, machine: machine, keptSleep: keptSleep,
            history: history, isStatusPending: isStatusPending, hasReportedExhaustion: hasReportedExhaustion)
    }
}
