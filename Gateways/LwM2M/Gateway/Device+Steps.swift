import CoAP
import DequeModule
import Logging
import Messaging
import Synchronization

/// Steps of the machine, and what its actions mean outside.
extension Device {
    func step(_ body: (inout DeviceMachine) -> [DeviceMachine.Action]) {
        let actions = state.withLock { $0.isOver ? [] : body(&$0.machine) }
        // Before a value tells anybody that the resource is observed: the gateway may stop right after.
        keepPaths()
        perform(actions)
        keepPaths()
        armTimer()
    }

    /// Writes to the store what is observed, if that has changed. Nobody waits for it: an observation that is asked for again after a crash
    /// is the same observation.
    private func keepPaths() {
        if state.withLock({ !$0.isOver && $0.attachment != nil && $0.hasOtherPaths }) { _ = keep() }
    }

    func perform(_ actions: [DeviceMachine.Action]) {
        var waiting = Deque(actions)
        var values: [Message] = []
        while let action = waiting.popFirst() {
            if case .value(let path, let value) = action {
                values += valueMessage(path, value)
                continue
            }
            publish(&values)
            if action == .take { waiting.append(contentsOf: takeCommand()) } else { perform(action) }
        }
        publish(&values)
    }

    private func perform(_ action: DeviceMachine.Action) {
        switch action {
        case .send(let exchange, let request): send(request, exchange)
        case .observe(let exchange, let request): observe(request, exchange)
        case .forget(let observation):
            if let observation = takeObservation(observation) { context.server.cancel(observation) }
        case .deregister(let exchange, let observation): deregister(observation, exchange)
        case .settle(let answered): settle(answered: answered)
        case .report(let report, let toRequester):
            let (delivery, attachment) = state.withLock { ($0.delivery, $0.attachment) }
            self.report(report, to: toRequester ? delivery : nil, from: attachment)
        case .event(let event): context.publisher.publish(CommandTopic.event(endpoint), event)
        case .supervise(let reachability): attachment?.supervise(reachability, silence: nil)
        case .take, .value: preconditionFailure("handled in order by the loop above")
        }
    }

    // MARK: Commands

    func takeDelivery() -> (Delivery, any Attachment)? {
        guard let attachment else { return nil }
        var deliveries: [Delivery] = []
        _ = attachment.take(1, into: &deliveries)
        return deliveries.first.map { ($0, attachment) }
    }

    private func takeCommand() -> [DeviceMachine.Action] {
        guard let (delivery, attachment) = takeDelivery() else { return [] }
        context.statistics.commands.add()
        let message = delivery.message
        do throws(CommandError) {
            guard let topic = CommandTopic(message.topic.string) else { throw .badTopic }
            let operation = try Operation(
                topic, payload: message.payload, model: context.model, limits: context.configuration.limits)
            return state.withLock { state in
                state.delivery = delivery
                return state.machine.handle(command: operation, isRepeated: delivery.isDuplicate)
            }
        } catch {
            context.statistics.commandsRefused.add()
            report(Report(refused: message.topic.string, error), to: delivery, from: attachment)
            attachment.discard(delivery, reason: .notApplicable)
            return [.take]
        }
    }

    private func settle(answered: Bool) {
        let (delivery, attachment) = state.withLock { state in
            defer { state.delivery = nil }
            return (state.delivery, state.attachment)
        }
        guard let delivery, delivery.qos != .atMostOnce else { return }
        _ = attachment?.settle(packetID: delivery.packetID, answered ? .acknowledged : .refused)
    }

    func report(_ report: Report, to delivery: Delivery?, from attachment: (any Attachment)?) {
        context.logger.debug(
            "command done",
            [.endpoint: endpoint, .operation: report.operation, .path: report.path, .code: report.code])
        context.publisher.publish(CommandTopic.report(endpoint), report.json)
        if let delivery, let attachment { context.publisher.reply(report, to: delivery.message, from: attachment) }
    }

    // MARK: Values

    private func valueMessage(_ path: ObjectPath, _ value: JSON?) -> [Message] {
        let message = context.publisher.message(
            CommandTopic.value(endpoint, path), value, retain: true, publisher: attachment?.clientID)
        return message.map { [$0] } ?? []
    }

    private func publish(_ values: inout [Message]) {
        if let attachment { context.publisher.publish(values, from: attachment) }
        values.removeAll()
    }

    // MARK: Requests

    private func send(_ request: CoAPOutgoingRequest, _ exchange: Int) {
        context.server.send(request, to: state.withLock { $0.peer }, timeout: context.configuration.requestTimeout) {
            [weak self] outcome in self?.receive(outcome, exchange)
        }
    }

    private func receive(_ outcome: CoAPOutcome, _ exchange: Int) {
        let now = now
        step { $0.handle(outcome: outcome, of: exchange, now: now) }
    }

    private func observe(_ request: CoAPOutgoingRequest, _ exchange: Int) {
        let peer = state.withLock { $0.peer }
        let observation = context.server.observe(request, on: peer, timeout: context.configuration.requestTimeout) {
            [weak self] event in self?.observed(event, exchange)
        }
        state.withLock { $0.observations[exchange] = observation }
    }

    private func observed(_ event: CoAPObservationEvent, _ exchange: Int) {
        let now = now
        switch event {
        case .answered(let response):
            step { $0.handle(outcome: .response(response), of: exchange, now: now) }
        case .notified(let response):
            context.statistics.notifications.add()
            step { $0.handle(notification: response, of: exchange, now: now) }
        case .ended(let outcome):
            _ = takeObservation(exchange)
            step { $0.handle(ended: outcome, of: exchange, now: now) }
        }
    }

    private func deregister(_ observation: Int, _ exchange: Int) {
        guard let observation = takeObservation(observation) else { return receive(.gone, exchange) }
        context.server.deregister(observation, timeout: context.configuration.requestTimeout) {
            [weak self] outcome in self?.receive(outcome, exchange)
        }
    }

    private func takeObservation(_ exchange: Int) -> CoAPObservation? {
        state.withLock { $0.observations.removeValue(forKey: exchange) }
    }
}
