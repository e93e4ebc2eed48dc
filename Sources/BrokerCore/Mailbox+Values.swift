import Messaging

/// What lies in a mailbox, what bounds it, what becomes of what arrives, and what it tells of itself.
extension Mailbox {
    /// One copy of a message. Small fields lie side by side: what is stored byte by byte and then moved as a word is waited for.
    struct Entry {
        let message: Message
        /// Order within this mailbox among deliveries at QoS 1 and 2; 0 at QoS 0.
        let sequence: UInt64
        let qos: QoS
        let retain: Bool
        /// The store has it, or will have it at `commit`.
        var isStored = false
        /// The share group it came by, or `none`: another member gets it when this session ends. Not known of what the store
        /// kept.
        var share = ShareGroups.none
        let subscriptionIDs: SubscriptionIDs
        /// The message's own expiry, or the end of the time it may wait here.
        let expiresAt: Timestamp
        var commit = CommitPoint.none

        /// Identifies the delivery to the receiver. It follows from the sequence, so that a delivery that was sent just before
        /// a crash goes out under the same identifier again, and its receiver knows it (MQTT-4.3.3-10).
        var packetID: UInt16 { sequence == 0 ? 0 : UInt16((sequence - 1) % 65_535) + 1 }

        /// Leaves at QoS 0, as nothing of it is kept.
        consuming func leave() -> Delivery {
            Delivery(message: message, qos: .atMostOnce, packetID: 0, retain: retain, subscriptionIDs: subscriptionIDs)
        }

        /// Leaves under `packetID`, and nothing of it is kept.
        consuming func leave(packetID: UInt16) -> Delivery {
            Delivery(message: message, qos: qos, packetID: packetID, retain: retain, subscriptionIDs: subscriptionIDs)
        }

        func delivery(packetID: UInt16, isDuplicate: Bool = false, step: Delivery.Step = .publish) -> Delivery {
            Delivery(
                message: message, qos: qos, packetID: packetID, retain: retain, isDuplicate: isDuplicate, step: step,
                subscriptionIDs: subscriptionIDs)
        }
    }

    /// Bounds in force for one `put`.
    struct Bounds {
        let messages: Int
        let octets: Int
        let policy: MailboxLimits.Policy
        /// A waiting message of the same topic gives way to the arriving one.
        var keepsLatestOnly = false
        /// End of the time an arriving message may wait.
        var waitsUntil = Timestamp.never
        /// Waiting messages that may stay in memory when the store has them, too.
        var inMemory = Int.max
        /// Octets that may be in memory. What arrives beyond is left to the store, or dropped where the store does not have it.
        var memoryShare = Int.max
        /// The publisher has been told that there is room, as there was (`Session.refuses`). Publishers that were told so at the same
        /// time may fill the mailbox a little over its bounds.
        var isPromised = false

        /// Whether a message of `qos` is put in although the mailbox is full.
        func keepsPromise(_ qos: QoS) -> Bool { isPromised && policy == .rejectPublisher && qos != .atMostOnce }
    }

    /// What is to be dropped, and why.
    struct Unwanted: Sendable {
        let reason: DropReason
        let isUnwanted: @Sendable (Message) -> Bool
    }

    enum PutResult: Equatable {
        case queued(CommitPoint)
        /// This message, or with `makesRoom` an older one, gave way.
        case dropped(CommitPoint, makesRoom: Bool)
        /// This message gave way: the mailbox holds its share of memory.
        case beyondShare

        /// The point at which this message is stored.
        var commit: CommitPoint {
            switch self {
            case .queued(let commit), .dropped(let commit, _): commit
            case .beyondShare: .none
            }
        }

        /// Why one was dropped; nil when none was.
        var dropReason: DropReason? {
            switch self {
            case .queued: nil
            case .dropped: .mailboxFull
            case .beyondShare: .memoryFull
            }
        }
    }

    var report: MailboxReport {
        var report = MailboxReport()
        report.messages = backlog
        report.octets = waitingOctets
        report.oldest = (waiting.first ?? tail.firstWhole)?.message.publishedAt
        if report.oldest == StoreClock.unknown { report.oldest = nil }
        report.account = account
        report.refused = ledger.refused
        return report
    }
}
