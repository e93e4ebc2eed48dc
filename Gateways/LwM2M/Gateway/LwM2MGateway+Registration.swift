import CoAP
import Logging
import Messaging
import Synchronization

/// The registration interface (LwM2M Core 1.1 6.2; Transport Bindings 1.1 6.4.2).
///
/// ```
/// POST   /rd?ep=…&lwm2m=…      Register      2.01 Location-Path rd/{location}
/// POST   /rd/{location}        Update        2.04
/// DELETE /rd/{location}        De-register   2.02
/// ```
extension LwM2MGateway {
    func handle(_ request: CoAPRequest, _ responder: CoAPResponder) {
        do throws(RegistrationError) {
            switch (request.path.count, request.method) {
            case (1, .post): try register(request, responder)
            case (2, .post): try update(request, responder)
            case (2, .delete): responder.answer(try deregister(request))
            case (1, _), (2, _):
                responder.answer(.error(.methodNotAllowed, "POST registers and updates, DELETE de-registers"))
            default: throw .unknownLocation
            }
        } catch {
            refuse(error, request, responder)
        }
    }

    private func refuse(_ error: RegistrationError, _ request: CoAPRequest, _ responder: CoAPResponder) {
        context.statistics.refusals.add()
        context.logger.debug(
            "registration refused", [.peer: request.peer.address, .reason: error.diagnostic])
        responder.answer(.error(error.code, error.diagnostic))
    }

    private func device(at path: [String]) throws(RegistrationError) -> Device {
        guard let device = registry.withLock({ $0.device(at: path[1]) }) else { throw .unknownLocation }
        return device
    }

    // MARK: Update and De-register

    /// Knowing the location is the right to use it, so a device behind a NAT may come from a new address.
    private func update(_ request: CoAPRequest, _ responder: CoAPResponder) throws(RegistrationError) {
        let device = try device(at: request.path)
        let limits = context.configuration.limits
        let parameters = try RegistrationParameters(queries: request.queries, limits: limits)
        var registration = device.registration
        let objects = request.payload.isEmpty ? nil : try objects(of: request)
        try registration.update(parameters, objects: objects, lifetimes: context.configuration.lifetimes)
        context.statistics.updates.add()
        whenCommitted(device.update(registration, from: request.peer)) { responder.answer(CoAPResponse(.changed)) }
    }

    private func deregister(_ request: CoAPRequest) throws(RegistrationError) -> CoAPResponse {
        let device = try device(at: request.path)
        guard registry.withLock({ $0.remove(device) }) else { throw .unknownLocation }
        context.statistics.deregistrations.add()
        context.logger.debug("de-registered", [.endpoint: device.endpoint])
        device.end(reason: "deregistered")
        return CoAPResponse(.deleted)
    }

    /// Some clients leave the format out or call it text; anything else is not a link list.
    private func objects(of request: CoAPRequest) throws(RegistrationError) -> ObjectList {
        guard [nil, .linkFormat, .textPlain].contains(request.contentFormat) else { throw .badObjectList }
        do {
            return try ObjectList(body: request.payload[...], limits: context.configuration.limits)
        } catch {
            throw .badObjectList
        }
    }

    // MARK: Register

    private func register(_ request: CoAPRequest, _ responder: CoAPResponder) throws(RegistrationError) {
        let parameters = try RegistrationParameters(queries: request.queries, limits: context.configuration.limits)
        let registration = try Registration(
            parameters, objects: try objects(of: request), lifetimes: context.configuration.lifetimes)
        let isKnown = registry.withLock { registry in
            registry.device(of: registration.endpoint) != nil || registry.count < context.configuration.registrations
        }
        guard isKnown else { throw .unavailable }
        let device = Device(
            registration, peer: request.peer, location: DeviceRegistry.newLocation(), context: context,
            ended: { [weak self] device, end in self?.ended(device, end) })
        registry.withLock { $0.beginRegistering(registration.endpoint) }
        let handover = Handover<Result<Connected, ConnectRefusal>>()
        context.broker.connect(
            connectRequest(registration, address: request.peer.address, isLoopback: request.peer.isLoopback),
            owner: device
        ) { [self] result in
            // A decision that took its time arrives on another thread.
            guard handover.arrived(result) == .late else { return }
            context.server.perform { self.decided(result, device, request, responder) }
        }
        if let result = handover.takeOrDetach() { decided(result, device, request, responder) }
    }

    private func connectRequest(_ registration: Registration, address: String, isLoopback: Bool) -> ConnectRequest {
        let clientID = ClientID(.lwm2m, registration.endpoint)
        let credentials = Credentials(
            clientID: clientID, peer: Peer(address: address, isLoopback: isLoopback, listener: "lwm2m"))
        let options = SessionOptions(
            cleanStart: false, expiry: registration.lifetime.map { $0 + context.configuration.lifetimes.grace },
            receiveMaximum: 1, will: lostWill(registration.endpoint), queuesQoS0WhileDetached: true)
        return ConnectRequest(credentials: credentials, options: options)
    }

    /// Stands in for the gateway where it cannot speak itself: after a crash, or when an operator ends the session. Delayed,
    /// so that a registration that replaces another does not show its device as lost for a moment.
    private func lostWill(_ endpoint: String) -> Will? {
        guard let topic = try? TopicName(CommandTopic.status(endpoint)) else { return nil }
        return Will(
            topic: topic, payload: Registration.offline(reason: "lost").encoded, qos: .atLeastOnce, retain: true,
            delay: .seconds(5))
    }

    private func decided(
        _ result: Result<Connected, ConnectRefusal>, _ device: Device, _ request: CoAPRequest,
        _ responder: CoAPResponder
    ) {
        registry.withLock { $0.endRegistering(device.endpoint) }
        switch result {
        // A Register that came later may have been decided first: its session is not ours to take back.
        case .success where device.isClosed:
            refuse(.unavailable, request, responder)
        case .success(let connected):
            accept(device, connected, responder)
        case .failure(.badCredentials), .failure(.notAuthorized):
            refuse(.forbidden, request, responder)
        case .failure(.quotaExceeded), .failure(.shuttingDown), .failure(.unavailable):
            refuse(.unavailable, request, responder)
        }
    }

    private func accept(_ device: Device, _ connected: Connected, _ responder: CoAPResponder) {
        let earlier = registry.withLock { $0.insert(device) }
        context.statistics.registrations.add()
        context.logger.debug(
            "registered",
            [.endpoint: device.endpoint, .objects: "\(device.registration.objects.paths.count)"])
        let commit = max(connected.commit, device.open(connected.attachment))
        let created = CoAPResponse(.created, locationPath: ["rd", device.location])
        // Before the answer, from which on the device counts its time awake.
        device.start(continuing: earlier)
        // Acknowledged means stored: the device learns its location once its session is safe.
        whenCommitted(commit) { responder.answer(created) }
    }

    /// Does `action` once everything up to `point` is stored, on the CoAP thread.
    private func whenCommitted(_ point: CommitPoint, _ action: @escaping @Sendable () -> Void) {
        guard !context.broker.isCommitted(point) else { return action() }
        context.broker.whenCommitted(point) { [server = context.server] in server.perform(action) }
    }

    // MARK: Restart

    /// Goes on with the registrations of the process before. Devices whose lifetime has passed meanwhile expire at once.
    func restoreRegistrations() {
        for item in context.broker.takeKept(in: .lwm2mRegistration) {
            guard let stored = StoredRegistration(item.value, limits: context.configuration.limits) else {
                context.logger.warning("a stored registration makes no sense and is forgotten", [.endpoint: item.key])
                context.broker.keep(nil, as: item.key, in: .lwm2mRegistration)
                continue
            }
            restore(stored)
        }
    }

    private func restore(_ stored: StoredRegistration) {
        let device = Device(
            restoring: stored, context: context, ended: { [weak self] device, end in self?.ended(device, end) })
        _ = registry.withLock { $0.insert(device) }
        let request = connectRequest(stored.registration, address: stored.address, isLoopback: stored.isLoopback)
        context.broker.connect(request, owner: device) { [self] result in
            switch result {
            case .success(let connected):
                context.statistics.restorations.add()
                context.server.perform { device.reopen(connected) }
            case .failure(let refusal):
                context.logger.warning(
                    "a registered device may not come in any more", [.endpoint: device.endpoint, .reason: "\(refusal)"])
                guard registry.withLock({ $0.remove(device) }) else { return }
                context.server.perform { device.abandon(.administrative) }
            }
        }
    }

    // MARK: Ends

    private func ended(_ device: Device, _ end: Device.End) {
        if case .closed(.takenOver) = end, registry.withLock({ $0.isRegistering(device.endpoint) }) {
            // By the device itself: this registration goes on working until the new one is ready to continue it.
            return
        }
        guard registry.withLock({ $0.remove(device) }) else { return }
        switch end {
        case .expired:
            context.statistics.expirations.add()
            context.logger.debug("registration expired", [.endpoint: device.endpoint])
            device.end(reason: "expired")
        case .closed(.shutdown):
            device.suspend()
        case .closed(let reason):
            context.logger.debug("session ended by the core", [.endpoint: device.endpoint, .reason: "\(reason)"])
            device.abandon(reason)
        }
    }
}

extension RegistrationError {
    /// Transport Bindings 1.1 6.4.2, response codes of the registration interface.
    var code: CoAPCode {
        switch self {
        case .badParameter, .badObjectList: .badRequest
        case .unsupportedVersion: .preconditionFailed
        case .unknownLocation: .notFound
        case .forbidden: .forbidden
        case .unavailable: .serviceUnavailable
        }
    }

    /// For the person reading the device's log.
    var diagnostic: String {
        switch self {
        case .badParameter(let name): "bad parameter: \(name)"
        case .badObjectList: "the body is no list of object links"
        case .unsupportedVersion: "LwM2M 1.0, 1.1 and 1.2 are supported"
        case .unknownLocation: "not registered"
        case .forbidden: "endpoint refused"
        case .unavailable: "no more registrations now"
        }
    }
}
