import CoAP
import DequeModule
import Messaging

/// What the device's answers and notifications lead to.
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
        guard case .response(let response) = outcome else { return [.event(event)] }
        return clearIfGone(response, at: path) + [.event(event)] + heard(now)
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
            let isQuestion = exchange.operation.isRead || exchange.operation.isObserve
            let gone = isQuestion ? clearIfGone(response, at: exchange.operation.path) : []
            return gone + finish(report, answered: true)
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
            report.location =
                response.locationPath.isEmpty
                ? nil : response.locationPath.map { "/\($0)" }.joined()
            return []
        case .delete(let path):
            return values.clear(below: path, except: []).map(\.action)
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
        return values.take(reading, of: path).map(\.action)
    }

    /// 4.04 to a question: there is nothing at that path any more (LwM2M Transport Bindings 1.1 6.4.3).
    private mutating func clearIfGone(_ response: CoAPResponse, at path: ObjectPath) -> [Action] {
        response.code == .notFound ? values.clear(below: path, except: []).map(\.action) : []
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
            .compactMap { values.set($0)?.action }
    }
}

extension ValueTopics.Change {
    var action: DeviceMachine.Action { .value(path, value) }
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
