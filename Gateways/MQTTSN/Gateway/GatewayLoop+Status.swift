import Messaging

/// Whose status is to be looked at. It is published at most once a second, when it has changed. Sleepers are looked at in turn,
/// because the core does not wake anybody for what arrives for them; those of 2.0 for whom something waits are sent WAKEUP then.
struct StatusBoard {
    static let interval = Duration.seconds(1)
    /// Until the rest of very many changes is looked at.
    static let shortInterval = Duration.milliseconds(100)
    /// Devices looked at in one interval at most: those that have changed, and those in turn.
    static let looksPerInterval = 1_000
    /// Messages made before they are published, at most: there may be one for each of very many clients at the same time.
    static let batch = 64

    var dueAt: Timestamp?
    /// Devices whose status may have changed.
    var changed: [UInt64] = []
    /// From where on sleepers are still to be looked at in this round.
    var place = 0
    /// Clients that have gone, with their last status unless their session has ended, too.
    var departed: [(clientID: ClientID, status: ClientStatus?)] = []
    /// What is to be published.
    var messages: [Message] = []
}

extension GatewayLoop {
    func statusChanged(of device: Device) {
        guard statuses != nil || device.version == .v20, !device.isStatusPending else { return }
        device.isStatusPending = true
        board.changed.append(device.serial)
        scheduleStatus()
    }

    /// The client is not connected any more. The status of a session that goes on says so for as long as it may; one that
    /// has ended leaves nothing behind.
    func statusEnded(of device: Device, _ state: ClientStatus.State) {
        guard statuses != nil else { return }
        let isOver = device.machine.endsSession
        let status = isOver ? nil : ClientStatus(device, state, report: MailboxReport(), clock: broker.clock)
        board.departed.append((device.clientID, status))
        scheduleStatus()
    }

    private func scheduleStatus() {
        if board.dueAt == nil { board.dueAt = now + StatusBoard.interval }
    }

    func publishStatusIfDue() {
        statuses?.removeExpired()
        guard let dueAt = board.dueAt, dueAt <= now else { return }
        let departed = board.departed.prefix(StatusBoard.looksPerInterval)
        board.departed.removeFirst(departed.count)
        for (clientID, status) in departed { publish(lastWord(of: clientID, status)) }
        for _ in 0..<StatusBoard.looksPerInterval {
            guard let serial = board.changed.popLast() else { break }
            device(serial)?.isStatusPending = false
            publish(newStatus(of: serial))
            restSoon()
        }
        lookAtSleepers()
        publishStatuses()
        board.dueAt = nextStatus
    }

    private var nextStatus: Timestamp? {
        guard board.departed.isEmpty, board.changed.isEmpty else { return now + StatusBoard.shortInterval }
        // Whoever is many now may be few later: their room is not kept.
        board.changed = []
        board.departed = []
        return nextSleeper(from: 0, of: sleepersLookedAt) == nil ? nil : now + StatusBoard.interval
    }

    /// Whose mailboxes are to be looked at; nil for all.
    private var sleepersLookedAt: ProtocolVersion? { statuses == nil ? .v20 : nil }

    private func lookAtSleepers() {
        for _ in 0..<StatusBoard.looksPerInterval {
            guard let place = nextSleeper(from: board.place, of: sleepersLookedAt) else { return board.place = 0 }
            board.place = place + 1
            lookAtSleeper(at: place)
            restSoon()
        }
    }

    private func lookAtSleeper(at place: Int) {
        guard let device = device(at: place) else { return }
        if device.version == .v20, device.attachment?.backlog ?? 0 > 0 { device.callSleeper() }
        publish(newStatus(of: device.serial))
        // What kept it from resting may have passed.
        mayRest(device)
    }

    private func publish(_ message: Message?) {
        guard let message else { return }
        board.messages.append(message)
        if board.messages.count >= StatusBoard.batch { publishStatuses() }
    }

    private func publishStatuses() {
        guard !board.messages.isEmpty else { return }
        var outcomes: [PublishOutcome] = []
        broker.publish(board.messages, as: .gateway, via: TrafficReading.ownListener, outcomes: &outcomes)
        board.messages.removeAll(keepingCapacity: true)
    }

    /// Of a client that has gone, unless it is back before that is said.
    private func lastWord(of clientID: ClientID, _ status: ClientStatus?) -> Message? {
        guard let statuses, client(clientID) == nil else { return nil }
        guard let status else { return statuses.remove(clientID) }
        return statuses.update(clientID, status, until: settings.sessionExpiry.map { now + $0 } ?? .never)
    }

    /// The status of a connected client when it is another than the one published last.
    private func newStatus(of serial: UInt64) -> Message? {
        guard let statuses, let device = device(serial), let state = device.state,
            let report = device.attachment?.mailboxReport
        else { return nil }
        return statuses.update(device.clientID, ClientStatus(device, state, report: report, clock: broker.clock))
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
}
