import CoAP
import DequeModule
import Messaging

/// The conversation with one registered device: one request at a time, only while it listens.
///
/// ```
///            take            send                 outcome
///   idle ──────────▶ idle ─────────▶ exchanging ──────────▶ idle        errands (re-observe, read-back) go first,
///    │ awake time over (queue mode), or no answer                       then the mailbox
///    ▼                            any message of the device
///  asleep ───────────────────────────────────────────────▶ idle
/// ```
///
/// Pure: time comes in with each event, everything that happens goes out as actions. Commands wait in the broker's
/// mailbox, where they are limited, expire and are accounted for; here waits at most one.
struct DeviceMachine {
    struct Settings: Equatable, Sendable {
        /// How long a device in queue mode listens after its last message.
        var awakeTime: Duration
        /// Observations of one device.
        var observations: Int
        /// Value topics of one device.
        var values: Int
        /// Read a resource back after it was written; otherwise what was written is taken as its value.
        var readsBackWrites: Bool
        /// Read the Device object once after Register.
        var readsDeviceObject: Bool
        var limits: Limits
    }

    enum Action: Equatable {
        /// Take the next command out of the mailbox and hand it to `handle(command:)`.
        case take
        case send(exchange: Int, CoAPOutgoingRequest)
        /// Begin to observe; events carry the exchange's number ever after.
        case observe(exchange: Int, CoAPOutgoingRequest)
        /// Forget the observation begun in that exchange; its next notification is refused.
        case forget(observation: Int)
        /// Ask the device to end the observation begun in that exchange (RFC 7641 3.6).
        case deregister(exchange: Int, observation: Int)
        /// The command taken last is over; the flag says whether the device had its say.
        case settle(answered: Bool)
        /// `toRequester`: also to the response topic of the command taken last.
        case report(Report, toRequester: Bool)
        /// Retain a value, or with nil clear it.
        case value(ObjectPath, JSON?)
        case event(JSON)
        case supervise(Reachability)
    }

    /// What occupies the device.
    struct Exchange {
        var number: Int
        var operation: Operation
        /// Formats not tried yet.
        var formats: ArraySlice<ContentFormat?>
        var format: ContentFormat?
        /// A command of somebody, as opposed to an errand of our own.
        var isCommand: Bool
        /// Of `.cancel`: the exchange the observation began in.
        var observation: Int?
    }

    enum Observation: Equatable {
        /// Wanted, and yet to begin (again): an errand stands for it.
        case pending
        /// Begun by this exchange.
        case running(Int)

        var exchange: Int? { if case .running(let number) = self { number } else { nil } }
    }

    let model: ObjectModel
    let settings: Settings
    private(set) var registration: Registration
    private(set) var reachability = Reachability.awake
    var awakeUntil: Timestamp
    var formats = FormatMemory()
    var current: Exchange?
    private var exchanges = 0
    /// At most one per observation, one read-back and one first read: bounded by `Settings.observations` + 2.
    var errands: Deque<Operation> = []
    var observations: [ObjectPath: Observation] = [:]
    var values: ValueTopics

    /// - Parameter retained: values the device has told before.
    init(
        _ registration: Registration, model: ObjectModel, settings: Settings, retained: [ObjectPath] = [],
        now: Timestamp
    ) {
        self.registration = registration
        self.model = model
        self.settings = settings
        values = ValueTopics(limit: settings.values, paths: retained)
        awakeUntil = now + settings.awakeTime
    }

    /// A registration of the process before: its device is asleep until it is heard, and what was observed is to be set up again.
    init(
        restoring stored: StoredRegistration, model: ObjectModel, settings: Settings, retained: [ObjectPath] = [],
        now: Timestamp
    ) {
        self.init(stored.registration, model: model, settings: settings, retained: retained, now: now)
        reachability = .asleep
        for path in stored.observed.prefix(settings.observations) { observations[path] = .pending }
        errands = Deque(observations.keys.sorted().map { .observe($0) })
    }

    /// When `tick` has something to do, if ever.
    var deadline: Timestamp? { registration.usesQueueMode && reachability == .awake ? awakeUntil : nil }
}

// MARK: - Registration

extension DeviceMachine {
    /// The device has just registered. What it was observed for before goes on: observations die with a registration and
    /// the server sets them up again (LwM2M Core 1.1 6.4.1).
    mutating func start(continuing earlier: DeviceMachine?) -> [Action] {
        if let earlier {
            values = earlier.values
            if earlier.registration.version == registration.version { formats = earlier.formats }
            for path in earlier.observations.keys where registration.objects.contains(object: path.object ?? 0) {
                observations[path] = .pending
            }
        }
        errands = Deque(observations.keys.sorted().map { .observe($0) })
        if settings.readsDeviceObject, let device = registration.objects.instances(of: 3).first {
            errands.append(.read(device))
        }
        return values.clear(notIn: registration.objects).map(\.action) + proceed()
    }

    /// An Update. `movedAddress`: it came over another transport session, where the old observations do not reach.
    mutating func update(_ changed: Registration, movedAddress: Bool, now: Timestamp) -> [Action] {
        registration = changed
        var actions = values.clear(notIn: changed.objects).map(\.action)
        if movedAddress {
            for (path, observation) in observations {
                if let exchange = observation.exchange { actions.append(.forget(observation: exchange)) }
                observations[path] = .pending
                if !errands.contains(.observe(path)) { errands.append(.observe(path)) }
            }
        }
        return actions + heard(now)
    }

    /// The registration is over, or has been replaced by a newer one. `reporting`: nobody else will say what became of the
    /// command on the way.
    mutating func end(reporting: Bool = true) -> [Action] {
        defer {
            current = nil
            errands = []
            observations = [:]
        }
        let cancelled = observations.values.compactMap(\.exchange).sorted().map { Action.forget(observation: $0) }
        guard reporting, let current, current.isCommand else { return cancelled }
        let report = Report(
            current.operation, code: CommandError.interrupted.code, message: CommandError.interrupted.message)
        return cancelled + [.report(report, toRequester: true), .settle(answered: false)]
    }
}

// MARK: - Reachability

extension DeviceMachine {
    /// Any message of the device proves that it listens.
    mutating func heard(_ now: Timestamp) -> [Action] {
        awakeUntil = now + settings.awakeTime
        guard reachability == .asleep else { return proceed() }
        reachability = .awake
        return [.supervise(.awake)] + proceed()
    }

    /// LwM2M Core 1.1 6.5: outside its awake time nothing is sent to a device in queue mode.
    mutating func tick(_ now: Timestamp) -> [Action] {
        guard let deadline, deadline <= now, current == nil else { return [] }
        return fallAsleep()
    }

    mutating func fallAsleep() -> [Action] {
        guard registration.usesQueueMode, reachability == .awake else { return [] }
        reachability = .asleep
        return [.supervise(.asleep)]
    }
}

// MARK: - Work

extension DeviceMachine {
    /// Something may be waiting: the mailbox has called, or an exchange is over.
    mutating func proceed() -> [Action] {
        guard current == nil, reachability == .awake else { return [] }
        guard let errand = errands.popFirst() else { return [.take] }
        return begin(errand, isCommand: false)
    }

    /// The command taken out of the mailbox. `isRepeated`: it was given to the device once before, with unknown result.
    mutating func handle(command operation: Operation, isRepeated: Bool) -> [Action] {
        if isRepeated, !operation.isIdempotent { return refuse(operation, .interrupted) }
        switch operation {
        case .cancel(let path):
            guard let observation = observations.removeValue(forKey: path) else {
                return refuse(operation, .notObserved)
            }
            errands.removeAll { $0 == .observe(path) }
            guard let exchange = observation.exchange else {
                let report = Report(operation, code: "cancelled", message: "the observation had yet to begin")
                return [.report(report, toRequester: true), .settle(answered: true)] + proceed()
            }
            return begin(operation, isCommand: true, observation: exchange)
        case .observe(let path) where observations[path] == nil && observations.count >= settings.observations:
            return refuse(operation, .limitReached)
        default:
            return begin(operation, isCommand: true)
        }
    }

    private mutating func refuse(_ operation: Operation, _ error: CommandError) -> [Action] {
        let report = Report(operation, code: error.code, message: error.message)
        return [.report(report, toRequester: true), .settle(answered: false)] + proceed()
    }

    private mutating func begin(_ operation: Operation, isCommand: Bool, observation: Int? = nil) -> [Action] {
        let formats = formats.candidates(for: operation)
        var exchange = Exchange(
            number: exchanges, operation: operation, formats: formats.dropFirst(), format: formats[0],
            isCommand: isCommand, observation: observation)
        return send(&exchange)
    }

    mutating func send(_ exchange: inout Exchange) -> [Action] {
        exchanges += 1
        exchange.number = exchanges
        current = exchange
        if let observation = exchange.observation {
            return [.deregister(exchange: exchange.number, observation: observation)]
        }
        let request: CoAPOutgoingRequest
        do {
            request = try exchange.operation.request(
                rootPath: registration.objects.rootPath, format: exchange.format)
        } catch {
            return finish(Report(exchange.operation, code: "bad_payload", message: "\(error)"), answered: false)
        }
        if case .observe = exchange.operation { return [.observe(exchange: exchange.number, request)] }
        return [.send(exchange: exchange.number, request)]
    }

    /// Ends the current exchange and goes on to the next.
    mutating func finish(_ report: Report, answered: Bool) -> [Action] {
        guard let exchange = current else { return [] }
        current = nil
        var actions: [Action] = []
        if exchange.isCommand {
            actions = [.report(report, toRequester: true), .settle(answered: answered)]
        } else if report.code.first != "2" {
            // An errand's success shows in its values, its failure must show somewhere too.
            actions = [.report(report, toRequester: false)]
        }
        return actions + proceed()
    }
}
