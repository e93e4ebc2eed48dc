import Messaging

/// The status of each client, and WAKEUP for sleepers of 2.0 for whom something waits.
///
/// The status is a retained message of `$SYS/broker/mqttsn/clients/{clientid}`, refreshed at most once a
/// second when it has changed. Sleepers are looked at in turn, because the core does not wake anybody for what arrives for them.
struct StatusBoard {
    static let interval = Duration.seconds(1)
    /// Sleepers looked at in one interval at most.
    static let looksPerInterval = 1_000

    var dueAt: Timestamp?
    /// Devices whose status may have changed.
    var changed: [UInt64] = []
    /// Those still to be looked at in this round.
    var round: [UInt64] = []
    /// Last words of clients that have gone, unless they are back before they are said.
    var departed: [(ClientID, Message)] = []
}

extension GatewayLoop {
    func statusChanged(of device: Device) {
        guard settings.publishesClientStatus || device.version == .v20, !device.isStatusPending else { return }
        device.isStatusPending = true
        board.changed.append(device.serial)
        scheduleStatus()
    }

    /// The client is not connected any more. The status of a session that goes on says so for as long as it may; one that
    /// has ended leaves nothing behind.
    func statusEnded(of device: Device, _ state: ClientStatus.State) {
        guard settings.publishesClientStatus, let topic = ClientStatus.topic(of: device.clientID) else { return }
        let isOver = device.machine.endsSession
        let payload = isOver ? [] : Array(device.status(state, report: MailboxReport()).utf8)
        board.departed.append((device.clientID, statusMessage(topic, payload, expiry: settings.sessionExpiry)))
        scheduleStatus()
    }

    private func scheduleStatus() {
        if board.dueAt == nil { board.dueAt = now + StatusBoard.interval }
    }

    func publishStatusIfDue() {
        guard let dueAt = board.dueAt, dueAt <= now else { return }
        var messages: [Message] = []
        for (clientID, message) in board.departed where client(clientID) == nil { messages.append(message) }
        board.departed.removeAll(keepingCapacity: true)
        for serial in board.changed {
            device(serial)?.isStatusPending = false
            if let message = newStatus(of: serial) { messages.append(message) }
            restSoon()
        }
        board.changed.removeAll(keepingCapacity: true)
        for _ in 0..<StatusBoard.looksPerInterval {
            guard let serial = board.round.popLast() else { break }
            guard let device = device(serial) else { continue }
            if device.version == .v20, device.attachment?.backlog ?? 0 > 0 { device.callSleeper() }
            if let message = newStatus(of: serial) { messages.append(message) }
            // What kept it from resting may have passed.
            mayRest(device)
            restSoon()
        }
        if board.round.isEmpty { board.round = sleepers(of: settings.publishesClientStatus ? nil : .v20) }
        var outcomes: [PublishOutcome] = []
        if !messages.isEmpty {
            broker.publish(messages, as: .gateway, via: TrafficReading.ownListener, outcomes: &outcomes)
        }
        board.dueAt = board.round.isEmpty ? nil : now + StatusBoard.interval
    }

    /// The status of a connected client when it is another than the one published last.
    private func newStatus(of serial: UInt64) -> Message? {
        guard settings.publishesClientStatus, let device = device(serial), let state = device.state,
            let report = device.attachment?.mailboxReport,
            let topic = ClientStatus.topic(of: device.clientID)
        else { return nil }
        let status = device.status(state, report: report)
        let digest = UInt32(truncatingIfNeeded: status.hashValue)
        guard device.publishedStatus != digest else { return nil }
        device.publishedStatus = digest
        return statusMessage(topic, Array(status.utf8), expiry: nil)
    }

    private func statusMessage(_ topic: TopicName, _ payload: [UInt8], expiry: Duration?) -> Message {
        Message(
            topic: topic, payload: payload, qos: .atLeastOnce, retain: true, publishedAt: now,
            expiresAt: expiry.map { now + $0 } ?? .never)
    }
}

extension Device {
    /// Nil in the handshake.
    var state: ClientStatus.State? {
        switch machine.phase {
        case .active: .active
        case .asleep: .asleep
        case .awake: .awake
        case .awaitingWillTopic, .awaitingWillMessage, .opening, .ended: nil
        }
    }

    func status(_ state: ClientStatus.State, report: MailboxReport) -> String {
        let clock = loop.broker.clock
        func wallClock(_ time: Timestamp?) -> Duration? { time.map { clock.wallClock() + $0.since(clock.now()) } }
        return status.json(
            state: state, address: route.peer.record.address, keepAlive: machine.connect.duration,
            sleepDuration: machine.sleepDuration, nextWake: wallClock(machine.wakeExpectedAt), backlog: report,
            oldest: wallClock(report.oldest))
    }
}
