import Messaging

/// What has to be known of a client that sleeps and for which nothing is under way: less than half of a `Device`, and no object of its
/// own. Most of very many devices are this most of the time.
struct RestingDevice {
    let serial: UInt64
    let machine: RestingMachine
    let route: Route
    let attachment: any Attachment
    /// `never` for none, as is `RestingMachine.wakeExpectedAt`: an optional would take eight octets more.
    let scheduledDeadline: Timestamp
    let isStatusPending: Bool
    let hasReportedExhaustion: Bool
    let status: ClientStatus
    let publishedStatus: UInt32
    let keptSleep: UInt32

    var clientID: ClientID { ClientID(machine.connect.clientID) }
}

/// The same of its machine.
struct RestingMachine {
    let connect: Packet.Connect
    let policy: SessionPolicy
    let sleepDuration: UInt16
    let lastSubscribeID: UInt16
    let delivery: RestingDelivery
    let wakeExpectedAt: Timestamp
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
            connect: connect, policy: policy, sleepDuration: sleepDuration, lastSubscribeID: lastSubscribeID,
            delivery: delivery,
            wakeExpectedAt: wakeExpectedAt ?? .never)
    }
}

extension Device {
    /// Nil while there is more to be known than fits.
    func resting(now: Timestamp) -> RestingDevice? {
        guard let attachment, isQuiet, let machine = machine.resting(now: now) else { return nil }
        return RestingDevice(
            serial: serial, machine: machine, route: route, attachment: attachment,
            scheduledDeadline: scheduledDeadline ?? .never,
            isStatusPending: isStatusPending, hasReportedExhaustion: hasReportedExhaustion, status: status,
            publishedStatus: publishedStatus, keptSleep: keptSleep)
    }
}
