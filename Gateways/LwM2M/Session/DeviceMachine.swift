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
    private struct Exchange {
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

    private enum Observation: Equatable {
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
    private var awakeUntil: Timestamp
    private var formats = FormatMemory()
    private var current: Exchange?
    private var exchanges = 0
    /// At most one per observation, one read-back and one first read: bounded by `Settings.observations` + 2.
    private var errands: Deque<Operation> = []
    private var observations: [ObjectPath: Observation] = [:]
    /// Value topics that hold something.
    private var published: Set<ObjectPath> = []

    init(_ registration: Registration, model: ObjectModel, settings: Settings, now: Timestamp) {
        self.registration = registration
        self.model = model
        self.settings = settings
        awakeUntil = now + settings.awakeTime
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
            published = earlier.published
            if earlier.registration.version == registration.version { formats = earlier.formats }
            for path in earlier.observations.keys where registration.objects.contains(object: path.object ?? 0) {
                observations[path] = .pending
            }
        }
        errands = Deque(observations.keys.sorted().map { .observe($0) })
        if settings.readsDeviceObject, let device = registration.objects.instances(of: 3).first {
            errands.append(.read(device))
        }
        return clearVanished() + proceed()
    }

    /// An Update. `movedAddress`: it came over another transport session, where the old observations do not reach.
    mutating func update(_ changed: Registration, movedAddress: Bool, now: Timestamp) -> [Action] {
        registration = changed
        var actions = clearVanished()
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

    /// Values of objects and instances the device no longer has are no values any more.
    private mutating func clearVanished() -> [Action] {
        let objects = registration.objects
        let gone = published.filter { path in
            // An object listed without instances may have any.
            guard let object = path.object, objects.contains(object: object) else { return true }
            let instances = objects.instances(of: object)
            return !instances.isEmpty && !instances.contains(path.prefix(2))
        }
        published.subtract(gone)
        return gone.sorted().map { .value($0, nil) }
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

    private mutating func fallAsleep() -> [Action] {
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
            guard let observation = observations.removeValue(forKey: path) else { return refuse(operation, .notObserved) }
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

    private mutating func send(_ exchange: inout Exchange) -> [Action] {
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
    private mutating func finish(_ report: Report, answered: Bool) -> [Action] {
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

// MARK: - Answers

extension DeviceMachine {
    /// How a request went: of `.send` and `.deregister`, and the first answer to `.observe`.
    mutating func handle(outcome: CoAPOutcome, of number: Int, now: Timestamp) -> [Action] {
        guard let exchange = current, exchange.number == number else { return [] }
        guard case .response(let response) = outcome else { return failed(outcome, exchange) }
        awakeUntil = now + settings.awakeTime
        return answered(response, exchange)
    }

    /// A notification (RFC 7641 4.2). Its order has been checked by the CoAP server.
    mutating func handle(notification response: CoAPResponse, of number: Int, now: Timestamp) -> [Action] {
        guard let path = observations.first(where: { $0.value == .running(number) })?.key else { return heard(now) }
        guard response.code.isSuccess else {
            return handle(ended: .response(response), of: number, now: now)
        }
        var report = Report(.observe(path), response)
        let actions = publish(response, at: path, in: &report)
        // A notification nobody can read is a failure somebody should hear of.
        let complaint: [Action] = report.code == response.code.description ? [] : [.report(report, toRequester: false)]
        return actions + complaint + heard(now)
    }

    /// An observation is over, or could not begin.
    mutating func handle(ended outcome: CoAPOutcome, of number: Int, now: Timestamp) -> [Action] {
        if let exchange = current, exchange.number == number {
            if case .response(let response) = outcome { return answered(response, exchange) }
            return failed(outcome, exchange)
        }
        guard let path = observations.first(where: { $0.value == .running(number) })?.key else { return [] }
        observations[path] = nil
        let report = Report(.observe(path), failure: outcome)
        let event = JSON.object([
            "event": .string("observation_ended"), "path": .string(path.description), "code": .string(report.code),
        ])
        if case .response = outcome { return [.event(event)] + heard(now) }
        return [.event(event)]
    }

    private mutating func failed(_ outcome: CoAPOutcome, _ exchange: Exchange) -> [Action] {
        if outcome == .timeout, registration.usesQueueMode, !exchange.isCommand {
            errands.prepend(exchange.operation)
            current = nil
            return fallAsleep()
        }
        if case .observe(let path) = exchange.operation { observations[path] = nil }
        // A device in queue mode that does not answer sleeps; the rest of its mailbox waits for its next message.
        let asleep = outcome == .timeout ? fallAsleep() : []
        return asleep + finish(Report(exchange.operation, failure: outcome), answered: false)
    }

    private mutating func answered(_ response: CoAPResponse, _ exchange: Exchange) -> [Action] {
        if response.code.refusesFormat || isUnreadable(response, exchange), let retry = retry(exchange) { return retry }
        var report = Report(exchange.operation, response)
        guard response.code.isSuccess else {
            if case .observe(let path) = exchange.operation { observations[path] = nil }
            return finish(report, answered: true)
        }
        formats.remember(exchange.format, for: exchange.operation)
        let values = take(response, exchange, into: &report)
        return values + finish(report, answered: true)
    }

    /// Tries the next format the device may like better (LwM2M Core 1.1 7.4 leaves a device a choice).
    private mutating func retry(_ exchange: Exchange) -> [Action]? {
        var exchange = exchange
        guard let format = exchange.formats.popFirst() else { return nil }
        exchange.format = format
        let cancel: [Action] = exchange.operation.isObserve ? [.forget(observation: exchange.number)] : []
        return cancel + send(&exchange)
    }

    private func isUnreadable(_ response: CoAPResponse, _ exchange: Exchange) -> Bool {
        guard response.code == .content, exchange.operation.isObserve || exchange.operation.isRead else { return false }
        do {
            _ = try reading(response, at: exchange.operation.path)
            return false
        } catch {
            return error == .unsupportedFormat
        }
    }

    private func reading(_ response: CoAPResponse, at path: ObjectPath) throws(DecodeError) -> Reading {
        try Reading(
            response.payload[...], format: response.contentFormat, at: path, model: model, limits: settings.limits)
    }

    /// What a success brings: values, links, a location, a next errand.
    private mutating func take(_ response: CoAPResponse, _ exchange: Exchange, into report: inout Report) -> [Action] {
        switch exchange.operation {
        case .read(let path):
            return publish(response, at: path, in: &report)
        case .cancel(let path):
            return response.payload.isEmpty ? [] : publish(response, at: path, in: &report)
        case .observe(let path):
            let earlier = observations[path]?.exchange
            report.observing = response.observe != nil
            // RFC 7641 4.1: an answer without Observe means there will be no notifications.
            observations[path] = response.observe == nil ? nil : .running(exchange.number)
            let cancelled: [Action] = earlier.map { [.forget(observation: $0)] } ?? []
            return cancelled + publish(response, at: path, in: &report)
        case .discover:
            let links = try? Link.decodeList(response.payload[...], limits: settings.limits)
            report.links = links?.map(\.description)
            if links == nil { (report.code, report.message) = ("undecodable", "the link list cannot be read") }
            return []
        case .create:
            report.location = response.locationPath.isEmpty
                ? nil : response.locationPath.map { "/\($0)" }.joined()
            return []
        case .delete(let path):
            return clear { path.contains($0) }
        case .write, .writeMultiple, .writeInstance:
            return reflect(exchange.operation)
        case .execute:
            return []
        }
    }
}

// MARK: - Values

extension DeviceMachine {
    /// Retains what a body says about `path`, and clears what it no longer says.
    private mutating func publish(_ response: CoAPResponse, at path: ObjectPath, in report: inout Report) -> [Action] {
        let reading: Reading
        do {
            reading = try self.reading(response, at: path)
        } catch {
            report.code = "undecodable"
            report.message = "the device's answer (format \(response.contentFormat?.rawValue ?? 0)): \(error)"
            return []
        }
        report.content = reading.records
        report.unreadable = reading.unreadable
        let present = Set(reading.records.map(\.path)).union(reading.unreadable)
        return clear { path.contains($0) && !present.contains($0) } + reading.records.flatMap { publish($0) }
    }

    /// A device cannot make more topics than `Settings.values`; values beyond stay in reports only.
    private mutating func publish(_ record: ResourceRecord) -> [Action] {
        guard published.contains(record.path) || published.count < settings.values else { return [] }
        published.insert(record.path)
        return [.value(record.path, record.value.json)]
    }

    private mutating func clear(_ isGone: (ObjectPath) -> Bool) -> [Action] {
        let gone = published.filter(isGone)
        published.subtract(gone)
        return gone.sorted().map { .value($0, nil) }
    }

    /// Lets the value topics follow an accepted write. Write-only resources have no value to show.
    private mutating func reflect(_ operation: Operation) -> [Action] {
        let path = operation.path
        if path.depth >= 3, let resource = model.resource(at: path), !resource.operations.contains(.read) { return [] }
        guard !settings.readsBackWrites else {
            errands.append(.read(path))
            return []
        }
        return operation.records.filter { model.resource(at: $0.path)?.operations.contains(.read) != false }
            .flatMap { publish($0) }
    }
}

extension Operation {
    fileprivate var isObserve: Bool { if case .observe = self { true } else { false } }
    fileprivate var isRead: Bool { if case .read = self { true } else { false } }

    /// The values a write sets.
    fileprivate var records: [ResourceRecord] {
        switch self {
        case .write(let path, let value): [ResourceRecord(path: path, value: value)]
        case .writeMultiple(let path, let fields), .writeInstance(let path, let fields, _):
            fields.flatMap { $0.records(below: path) }
        default: []
        }
    }
}

extension Operation.Field {
    fileprivate func records(below path: ObjectPath) -> [ResourceRecord] {
        let place = path.appending(identifier)
        return switch content {
        case .value(let value): [ResourceRecord(path: place, value: value)]
        case .multiple(let fields): fields.flatMap { $0.records(below: place) }
        }
    }
}

extension CoAPCode {
    /// The device does not know, or does not offer, the format of the request (RFC 7252 5.9.2.7 and 5.9.2.9).
    fileprivate var refusesFormat: Bool { self == .notAcceptable || self == .unsupportedContentFormat }
}
