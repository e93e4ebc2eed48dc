import Messaging

/// What an operator wants to know of one client. Kept as numbers, for each of very many sleepers, and written as JSON for whoever asks.
struct ClientStatus: Equatable {
    // Small things stand behind those that leave them room.

    let address: Endpoint
    let state: State
    /// What waits and what was lost, if anything.
    let backlog: Rarely<Backlog>
    /// Whole seconds since 1970; 0 for a client that has not said when it wakes.
    let nextWake: UInt32
    let history: History
    /// Seconds.
    let keepAlive: UInt16
    let sleepDuration: UInt16

    enum State: String {
        case active, asleep, awake, disconnected, lost
    }

    /// What has happened since its connection began.
    struct History: Equatable {
        /// Requests sent again because their answer did not come.
        var retransmissions: UInt32 = 0
        /// Times it was heard from another address than before.
        var roams: UInt32 = 0
        /// Times it did not wake when it had said it would.
        var missedWakes: UInt32 = 0
        var lastRejection: Rejection?
    }

    /// A request of the client that was answered with a return code other than "accepted".
    struct Rejection: Equatable {
        let answer: PacketType
        let returnCode: ReturnCode
    }

    /// Its mailbox.
    struct Backlog: Equatable {
        let messages: Int
        let octets: Int
        /// When the oldest waiting message was published, in whole seconds since 1970; 0 where none waits or that is not known.
        let oldest: UInt32
        let refused: UInt64
        /// What was dropped and what expired; nothing else is counted here.
        let losses: DropLedger
    }
}

extension ClientStatus {
    /// - Parameter clock: tells what seconds points of the monotonic clock are.
    init(_ device: Device, _ state: State, report: MailboxReport, clock: any GatewayClock) {
        address = device.route.peer.endpoint
        self.state = state
        backlog = Rarely(Backlog(report, clock))
        nextWake = clock.seconds(at: device.machine.wakeExpectedAt)
        history = device.history
        keepAlive = device.machine.connect.duration
        sleepDuration = device.machine.sleepDuration
    }
}

extension ClientStatus.Backlog {
    /// Nil when there is nothing to tell.
    fileprivate init?(_ report: MailboxReport, _ clock: any GatewayClock) {
        var losses = DropLedger()
        losses.expired = report.account.expired
        for (reason, count) in report.account.reasons { losses[dropped: reason] = count }
        guard report.messages > 0 || report.refused > 0 || losses != DropLedger() else { return nil }
        messages = report.messages
        octets = report.octets
        oldest = clock.seconds(at: report.oldest)
        refused = report.refused
        self.losses = losses
    }
}

extension GatewayClock {
    /// A point on the monotonic clock in whole seconds since 1970; 0 for nil.
    fileprivate func seconds(at time: Timestamp?) -> UInt32 {
        time.map { UInt32(clamping: (wallClock() + $0.since(now())).components.seconds) } ?? 0
    }
}

extension Packet {
    /// The rejection this answer is, if it is one.
    var rejection: ClientStatus.Rejection? {
        let returnCode: ReturnCode? =
            switch self {
            case .connack(let code), .willTopicResponse(let code), .willMessageResponse(let code): code
            case .regack(let answer), .puback(let answer): answer.returnCode
            case .suback(let suback): suback.returnCode
            default: nil
            }
        guard let returnCode, returnCode != .accepted else { return nil }
        return ClientStatus.Rejection(answer: type, returnCode: returnCode)
    }
}
