import DequeModule
import Messaging

/// What the engine keeps of one transport session. Lives from the first message until libcoap ends the session.
final class PeerState {
    let peer: CoAPPeer
    let endpoint: EndpointKey
    let session: OpaquePointer
    /// Reasons to keep the session alive while it is silent.
    var pins = 0
    /// Requests of ours: the one on the way, and those behind it (RFC 7252, 4.7: one at a time).
    var active: DeviceRequest?
    var waiting: Deque<DeviceRequest> = []
    /// Observations of ours on the device.
    var observations: [CoAPToken: DeviceObservation] = [:]
    /// Observations of the peer with us.
    var observers: Set<CoAPToken> = []
    /// Separate answers not acknowledged yet.
    var unacknowledgedAnswers = 0
    /// Confirmable answers of the device libcoap has acknowledged, latest last; see `CoAPEngine.repeatAcknowledgement`.
    var acknowledged = RecentMessages()

    init(peer: CoAPPeer, endpoint: EndpointKey, session: OpaquePointer) {
        self.peer = peer
        self.endpoint = endpoint
        self.session = session
    }
}

/// The last few confirmable messages of a peer that were acknowledged.
struct RecentMessages {
    private static let capacity = 8
    private var messages: [(id: UInt16, isFirstSeen: Bool)] = []

    /// Notes a message libcoap has just delivered and acknowledged.
    mutating func add(_ id: UInt16) {
        messages.removeAll { $0.id == id }
        if messages.count == Self.capacity { messages.removeFirst() }
        messages.append((id, false))
    }

    /// Whether a datagram with this id is a repetition: true from the second time on.
    mutating func isRepetition(_ id: UInt16) -> Bool {
        guard let index = messages.firstIndex(where: { $0.id == id }) else { return false }
        defer { messages[index].isFirstSeen = true }
        return messages[index].isFirstSeen
    }
}

/// One request to a device, through all the exchanges it takes.
final class DeviceRequest {
    enum Purpose {
        case answer(@Sendable (CoAPOutcome) -> Void)
        /// Registers the observation with this token.
        case registration(DeviceObservation)
        /// Ends the observation that had this token.
        case deregistration(@Sendable (CoAPOutcome) -> Void)
        /// Fetches the rest of a long notification.
        case notification(DeviceObservation)
    }

    let id: UInt64
    let request: CoAPOutgoingRequest
    let purpose: Purpose
    /// Of the exchange under way; each has its own.
    var token: CoAPToken
    var transfer: OutgoingTransfer
    var next: OutgoingTransfer.Step
    /// Of the message on the way, until it is acknowledged or answered.
    var messageID: UInt16?

    init(
        id: UInt64, request: CoAPOutgoingRequest, purpose: Purpose, token: CoAPToken, transfer: OutgoingTransfer,
        next: OutgoingTransfer.Step
    ) {
        self.id = id
        self.request = request
        self.purpose = purpose
        self.token = token
        self.transfer = transfer
        self.next = next
    }
}

/// One observation of ours on a device.
final class DeviceObservation {
    let token: CoAPToken
    let request: CoAPOutgoingRequest
    let handler: @Sendable (CoAPObservationEvent) -> Void
    /// Observe and time of the newest notification; nil until the device has accepted.
    var newest: (sequence: UInt32, seenAt: Timestamp)?

    init(token: CoAPToken, request: CoAPOutgoingRequest, handler: @escaping @Sendable (CoAPObservationEvent) -> Void) {
        self.token = token
        self.request = request
        self.handler = handler
    }
}

/// One observation of a client with us.
final class ClientObservation {
    let observer: CoAPObserver
    var ended: @Sendable (CoAPObserverEnd) -> Void
    /// What the client asked for, under which it fetches further blocks of a notification.
    var key: TransferKey
    var exponent: UInt8
    var sequence: ObserveSequence
    var lastConfirmable: Timestamp
    /// Set while a confirmable notification is on the way.
    var completion: (@Sendable (CoAPNotificationOutcome) -> Void)?
    /// Of the last non-confirmable notification: RST to it ends the observation.
    var nonConfirmableID: UInt16?

    init(
        observer: CoAPObserver, ended: @escaping @Sendable (CoAPObserverEnd) -> Void, key: TransferKey, exponent: UInt8,
        now: Timestamp
    ) {
        self.observer = observer
        self.ended = ended
        self.key = key
        self.exponent = exponent
        sequence = ObserveSequence(startingAt: now)
        lastConfirmable = now
    }
}

/// A message of ours on the way, by address and message id.
struct MessageKey: Hashable {
    let endpoint: EndpointKey
    let messageID: UInt16
}

/// A request whose handler has not answered yet, or is about to: all an answer needs.
struct OpenExchange {
    let peer: UInt64
    let token: CoAPToken
    let isConfirmable: Bool
    let key: ExchangeTable.Key
    let transfer: TransferKey
    let options: ReceivedOptions
    let observe: ObserveRequest?
    /// Echoed in the answer to the last block.
    let block1: Block?
}
