package import Logging
package import Messaging
import Synchronization

/// Publish/subscribe over CoAP: topics are resources under `ps/`.
///
///     PUT  ps/{topic}             keeps the value as the topic's retained message, and publishes it
///     POST ps/{topic}             publishes an event; retained only with ?retain=true
///     GET  ps/{topic}             reads the retained message
///     GET  ps/{topic} Observe 0   subscribes; + and # (as %23) as levels make a pattern
///     DELETE ps/{topic}           clears the retained message
package final class CoAPGateway: Gateway {
    package let name = "coap"
    private let server: CoAPServer
    private let broker: any Broker
    private let commits: CommitQueue
    private let logger: Logger
    private let clients = Mutex<[ClientID: ObserverClient]>([:])

    /// Registers its routes with `server`, which it also binds, serves and stops.
    package init(server: CoAPServer, broker: any Broker, logger: Logger) {
        self.server = server
        self.broker = broker
        self.logger = logger
        commits = CommitQueue(server: server, broker: broker)
        let links = [CoAPLink("/\(TopicPath.root)", [.init("rt", "core.ps core.ps.coll"), .init("obs")])]
        server.register(prefix: TopicPath.root, links: links) { [weak self] request, responder in
            guard let self else { return responder.answer(Refusal.busy("the gateway is stopping")) }
            receive(request, responder)
        }
    }

    // MARK: Gateway

    package func bind() async throws(BindError) -> [Listener] { [try await server.bind()] }
    package func serve() async { server.serve() }
    package func stop() async { await server.stop() }
    package func counters() -> [CounterReading] { server.statistics.readings() }

    // MARK: Requests

    private func receive(_ request: CoAPRequest, _ responder: CoAPResponder) {
        guard let text = TopicPath.text(request.path) else {
            return responder.answer(.error(.badRequest, TopicPath.explain(.empty)))
        }
        do throws(RequestParameters.Failure) {
            let parameters = try RequestParameters(request)
            switch request.method {
            case .put, .post: withTopic(text, responder) { publish(request, to: $0, parameters, responder) }
            case .delete: withTopic(text, responder) { clear(request, $0, parameters, responder) }
            case .get where request.observe == .register: observe(request, text, parameters, responder)
            case .get where request.observe == .deregister: endObserving(request, text, parameters, responder)
            case .get: withTopic(text, responder) { read(request, $0, parameters, responder) }
            case .fetch, .patch, .ipatch:
                responder.answer(.error(.methodNotAllowed, "topics know GET, PUT, POST and DELETE"))
            }
        } catch {
            responder.answer(.error(.badRequest, error.sentence))
        }
    }

    private func withTopic(_ text: String, _ responder: CoAPResponder, _ body: (TopicName) -> Void) {
        do throws(TopicError) {
            body(try TopicName(text))
        } catch {
            responder.answer(.error(.badRequest, TopicPath.explain(error)))
        }
    }

    private func withPrincipal(
        _ request: CoAPRequest, _ parameters: RequestParameters, _ responder: CoAPResponder,
        _ body: @escaping @Sendable (Principal) -> Void
    ) {
        let credentials = parameters.credentials(request.peer, listener: server.configuration.listener)
        server.call { [self] completion in
            broker.authenticate(credentials, completion: completion)
        } then: { (result: Result<Principal, ConnectRefusal>) in
            switch result {
            case .success(let principal): body(principal)
            case .failure(let refusal): responder.answer(Refusal.response(refusal))
            }
        }
    }

    // MARK: Publishing

    private func publish(
        _ request: CoAPRequest, to topic: TopicName, _ parameters: RequestParameters, _ responder: CoAPResponder
    ) {
        // CoAP transfers states: what was PUT can be read by GET (RFC 7252, 5.8.3). POST hands something in to be processed.
        let retain = request.method == .put || parameters.retain == true
        withPrincipal(request, parameters, responder) { [self] principal in
            let current = retain ? broker.retainedMessage(of: topic, as: principal) : nil
            guard RetainedReader.meetsConditions(request, current: current) else {
                return responder.answer(.error(.preconditionFailed, "the topic's value does not meet the condition"))
            }
            let now = broker.clock.now()
            let message = Message(
                topic: topic, payload: request.payload, qos: parameters.qos, retain: retain, publishedAt: now,
                expiresAt: parameters.expiry.map { now + $0 } ?? .never, publisher: principal.clientID,
                properties: Representation.properties(request.contentFormat))
            // RFC 7252, 5.8.3: 2.01 when the resource came into being.
            let isNew = retain && current == nil && !request.payload.isEmpty
            hand(message, principal, CoAPResponse(isNew ? .created : .changed), responder)
        }
    }

    private func clear(
        _ request: CoAPRequest, _ topic: TopicName, _ parameters: RequestParameters, _ responder: CoAPResponder
    ) {
        withPrincipal(request, parameters, responder) { [self] principal in
            let current = broker.retainedMessage(of: topic, as: principal)
            guard RetainedReader.meetsConditions(request, current: current) else {
                return responder.answer(.error(.preconditionFailed, "the topic's value does not meet the condition"))
            }
            // MQTT-3.3.1-6: an empty retained message clears. RFC 7252, 5.8.4: 2.02 also when there was nothing.
            let message = Message(
                topic: topic, payload: [], qos: parameters.qos, retain: true, publishedAt: broker.clock.now(),
                publisher: principal.clientID)
            hand(message, principal, CoAPResponse(.deleted), responder)
        }
    }

    /// Publishes, and answers when the message is stored as durability promises.
    private func hand(
        _ message: Message, _ principal: Principal, _ success: CoAPResponse, _ responder: CoAPResponder
    ) {
        var outcomes: [PublishOutcome] = []
        broker.publish([message], as: principal, via: server.configuration.listener, outcomes: &outcomes)
        switch outcomes.first {
        case .accepted(_, let commit): commits.whenCommitted(commit) { responder.answer(success) }
        case .refused(let refusal): responder.answer(Refusal.response(refusal, for: principal))
        case nil: preconditionFailure("the broker gives one outcome for each message")
        }
    }

    // MARK: Reading

    private func read(
        _ request: CoAPRequest, _ topic: TopicName, _ parameters: RequestParameters, _ responder: CoAPResponder
    ) {
        withPrincipal(request, parameters, responder) { [self] principal in
            guard let message = broker.retainedMessage(of: topic, as: principal) else {
                return responder.answer(.error(.notFound, "the topic has no retained value"))
            }
            responder.answer(RetainedReader.answer(message, to: request, now: broker.clock.now()))
        }
    }

    // MARK: Observing

    private func observe(
        _ request: CoAPRequest, _ text: String, _ parameters: RequestParameters, _ responder: CoAPResponder
    ) {
        do throws(TopicError) {
            let filter = try TopicFilter(text)
            // Every observation proves who it is, also one that joins a session opened before under the same name.
            withPrincipal(request, parameters, responder) { [self] principal in
                let credentials = parameters.credentials(
                    request.peer, listener: server.configuration.listener, needsClientID: true)
                join(
                    .init(
                        request: request, filter: filter, qos: parameters.qos, principal: principal, responder: responder),
                    credentials)
            }
        } catch {
            responder.answer(.error(.badRequest, TopicPath.explain(error)))
        }
    }

    private func join(_ registration: ObserverClient.Registration, _ credentials: Credentials) {
        guard let clientID = credentials.clientID else { return }
        let (client, isNew) = clients.withLock { clients in
            if let known = clients[clientID] { return (known, false) }
            let client = ObserverClient(clientID: clientID, server: server, broker: broker) { [weak self] in
                self?.forget($0)
            }
            clients[clientID] = client
            return (client, true)
        }
        client.observe(registration)
        if isNew { client.connect(credentials) }
    }

    private func forget(_ client: ObserverClient) {
        clients.withLock { clients in
            if clients[client.clientID] === client { clients[client.clientID] = nil }
        }
    }

    /// The server has ended the observation already; what remains is a plain GET (RFC 7641, 3.6). For a pattern or a topic
    /// without value there is nothing to read, which is no error of a client that only wants to leave.
    private func endObserving(
        _ request: CoAPRequest, _ text: String, _ parameters: RequestParameters, _ responder: CoAPResponder
    ) {
        guard let topic = try? TopicName(text) else { return responder.answer(CoAPResponse(.content)) }
        withPrincipal(request, parameters, responder) { [self] principal in
            guard let message = broker.retainedMessage(of: topic, as: principal) else {
                return responder.answer(CoAPResponse(.content))
            }
            responder.answer(RetainedReader.answer(message, to: request, now: broker.clock.now()))
        }
    }
}
