import Logging
import Messaging
import NIOCore
import Transport

/// Everything of the gateway that lives on one event loop: who is connected from where, timers, and the datagrams of this
/// turn. It knows no sockets: datagrams come in by `receive`, and `finishTurn` hands out what is to be sent.
///
/// Sessions are known by client id; an address is only where a client was heard last.
final class GatewayLoop {
    let broker: any Broker
    let settings: MQTTSNSettings
    let predefinedTopics: PredefinedTopicTable
    let events: any EventSink
    let counters: Counters
    let logger: Logger
    let notes: NoteList
    /// Storage for the actions of the step being taken.
    var scratch: [Action] = []
    /// Whether the socket takes more at the moment; while not, mailboxes are the queue.
    var isWritable = true

    let limits: Limits
    var table: DeviceTable
    private let policies: [SessionPolicy.Key: SessionPolicy]
    let mailboxTerms: MailboxTerms?
    /// Deliveries of one client on the way at once: one, and those that wait for the client to know their names.
    let receiveMaximum = 1 + DeliveryMachine.parkedLimit
    /// Nil when anybody may forward.
    private let forwarders: Set<HostAddress>?
    private var deadlines = DeadlineQueue()
    var departed = DepartedPeers()
    var board = StatusBoard()
    /// Nil when nobody is told of single clients.
    let statuses: StatusTable?
    var advertising: Advertising?
    private var duplicates = DuplicateMemory()
    private var sources: SourceLimiter
    var strangers = ReplyThrottle(interval: .seconds(5), perSecond: 100)
    /// Where gateways are searched in multicast; nil where they are not.
    var searchGroup: SocketAddress?
    var searchers = ReplyThrottle(interval: .milliseconds(100), perSecond: 100)
    private var noteStorage: [NoteList.Note] = []
    private var deliveries: [Delivery] = []
    private var outgoing = ByteBuffer()
    /// Devices that stopped taking from their mailboxes because the socket was full.
    private var stalled: [UInt64] = []
    private var outbox: [(route: Route, length: Int)] = []

    init(
        broker: any Broker, settings: MQTTSNSettings, events: any EventSink = SilentEventSink(), counters: Counters,
        logger: Logger, notes: NoteList
    ) {
        self.broker = broker
        self.settings = settings
        self.counters = counters
        self.logger = logger
        self.notes = notes
        self.events = events
        limits = settings.limits
        policies = SessionPolicy.all(settings)
        predefinedTopics = PredefinedTopicTable(
            common: broker.predefinedTopics, byClient: settings.predefinedTopicsByClient)
        mailboxTerms = settings.mailbox.map { MailboxTerms($0) }
        forwarders = settings.forwarders.map { Set($0.compactMap { HostAddress(numeric: $0) }) }
        table = DeviceTable(trustsForwarders: settings.forwarders != nil)
        statuses =
            settings.publishesClientStatus
            ? StatusTable(clock: broker.clock, limit: broker.limits.sessions) : nil
        sources = SourceLimiter(perSecond: settings.strangersPerSecond, burst: 2 * settings.strangersPerSecond)
        table.loop = self
        if let statuses { broker.retain(by: statuses) }
    }

    /// The rules for one client.
    func policy(for clientID: String, by route: Route, _ version: ProtocolVersion = .v12) -> SessionPolicy {
        let key = SessionPolicy.Key(
            profile: settings.profilesByClient.first(for: clientID) ?? settings.profile, version: version,
            isSecured: route.peer.association != nil)
        guard let policy = policies[key] else { preconditionFailure("every profile has its policies") }
        return policy
    }

    var now: Timestamp { broker.clock.now() }

    /// When `runTimers` is next needed.
    var nextDeadline: Timestamp? {
        [deadlines.earliest, board.dueAt, statuses?.nextExpiry, advertising?.dueAt].lazy.compactMap(\.self).min()
    }

    // MARK: A turn

    /// - Parameter association: the DTLS session it came by, decrypted; nil for one that came without protection.
    func receive(
        _ datagram: ByteBuffer, from remote: SocketAddress, to local: NIOPacketInfo?, association: Association? = nil
    ) {
        counters.datagramsReceived.add()
        var route = Route(peer: PeerAddress(remote: remote, nodeID: nil, association: association), local: local)
        var message = datagram
        var version = version(of: message, at: route.peer)
        do throws(DecodeError) {
            var packet = try Packet.decode(from: message, limits: limits, version: version)
            if case .forwarderEncapsulation(let encapsulation) = packet {
                guard forwarders?.contains(HostAddress(remote)) ?? true else { return counters.forwardersRefused.add() }
                let peer = PeerAddress(
                    remote: remote, nodeID: encapsulation.nodeID, association: association, forwarding: version)
                route = Route(peer: peer, local: local)
                message = encapsulation.message
                version = self.version(of: message, at: peer)
                packet = try Packet.decode(from: message, limits: limits, version: version)
            }
            guard isAdmitted(route.peer) else { return }
            receive(packet, octets: message.readableBytes, by: route, version)
        } catch {
            guard isAdmitted(route.peer) else { return }
            refuse(error, octets: message.readableBytes, route, version)
        }
    }

    /// What says its version itself is read so; else a peer speaks the version of its CONNECT.
    private func version(of message: ByteBuffer, at peer: PeerAddress) -> ProtocolVersion {
        guard settings.speaksDraft else { return .v12 }
        return message.statedVersion ?? device(at: peer)?.version ?? (settings.strangersSpeakDraft ? .v20 : .v12)
    }

    /// Connected clients are slowed down by their acknowledgements; a host without connection by its bucket.
    private func isAdmitted(_ peer: PeerAddress) -> Bool {
        device(at: peer)?.attachment != nil || isAdmitted(strangerAt: peer.remote)
    }

    /// Takes a token from the bucket of a host without connection.
    func isAdmitted(strangerAt remote: SocketAddress) -> Bool {
        if sources.allows(HostAddress(remote), now: now) { return true }
        counters.datagramsThrottled.add()
        return false
    }

    /// Works off what other threads noted, then hands out what this turn wrote.
    func finishTurn(_ send: (Route, ByteBuffer) -> Void) {
        notes.take(into: &noteStorage)
        for note in noteStorage { receive(note) }
        noteStorage.removeAll(keepingCapacity: true)
        for (route, length) in outbox {
            guard let datagram = outgoing.readSlice(length: length) else { break }
            counters.datagramsSent.add()
            send(route, datagram)
        }
        outbox.removeAll(keepingCapacity: true)
        outgoing.clear()
        table.rest(now: now)
    }

    func runTimers() {
        let now = now
        while let place = deadlines.popDue(now: now) { table.device(at: place)?.fireTimer() }
        publishStatusIfDue()
        advertiseIfDue()
    }

    /// The socket takes datagrams again.
    func becameWritable() {
        guard isWritable else { return }
        for serial in stalled { notes.add(.wake(serial: serial)) }
        stalled.removeAll()
    }

    /// Says goodbye to the clients that listen; all sessions are kept as they are.
    func shutDown() {
        advertising = nil
        for serial in table.serials { device(serial)?.shutDown() }
    }

    // MARK: For devices

    /// Encodes `packet` for this turn's sending.
    func send(_ packet: Packet, to route: Route, version: ProtocolVersion = .v12) {
        let start = outgoing.writerIndex
        if let nodeID = route.peer.nodeID {
            var message = ByteBuffer()
            packet.encode(into: &message, version: version)
            let encapsulation = Packet.ForwarderEncapsulation(radius: 0, nodeID: nodeID, message: message)
            Packet.forwarderEncapsulation(encapsulation).encode(into: &outgoing, version: route.peer.forwarding)
        } else {
            packet.encode(into: &outgoing, version: version)
        }
        outbox.append((route, outgoing.writerIndex - start))
        logger.log(.trace, "sent", [.packet: "\(packet.type)", .peer: route.peer.record.address])
    }

    /// Asks the core for the client's session.
    func open(_ device: Device, will choice: WillChoice) {
        let connect = device.machine.connect
        var options = SessionOptions(
            cleanStart: connect.cleanSession, expiry: connect.cleanSession ? .zero : settings.sessionExpiry,
            receiveMaximum: receiveMaximum, replacesQuietly: true,
            mailboxTerms: mailboxTerms,
            silence: device.machine.policy.tolerance.allowedSilence(seconds: connect.duration))
        switch choice {
        case .unchanged: options.keepsWill = !connect.cleanSession  // MQTT-SN 6.3
        case .removed: break
        case .set(let topic, let payload): options.will = Will(topic, payload)
        }
        if let draft = device.machine.draft { draft.apply(to: &options, limit: settings.sessionExpiry) }
        let login = device.machine.draft?.login
        device.machine.draft?.login = nil
        let credentials = Credentials(
            clientID: device.clientID, username: login?.userName, password: login?.password,
            peer: device.route.peer.record)
        let serial = device.serial
        let proven = device.route.peer.association?.principal(for: device.clientID) ?? login?.proven
        broker.connect(
            ConnectRequest(credentials: credentials, options: options, proven: proven, clientNumber: serial),
            owner: notes
        ) { [notes] result in notes.add(.opened(serial: serial, result)) }
    }

    /// `device` is the client from now on.
    func adopt(_ device: Device) { table.makeClient(device) }

    /// One delivery, or nil when the mailbox has none, at least for now.
    func takeOne(from attachment: any Attachment) -> (delivery: Delivery?, comesLater: Bool) {
        let result = attachment.take(1, into: &deliveries)
        return (deliveries.popLast(), result == .later)
    }

    /// Lets `device` go on taking from its mailbox in a later turn.
    func takeLater(_ device: Device) {
        if isWritable { notes.add(.wake(serial: device.serial)) } else { stalled.append(device.serial) }
    }

    func isBound(_ device: Device) -> Bool { table.isBound(device) }
    /// Sleepers that cost no more than a `RestingDevice`.
    var restingCount: Int { table.restingCount }
    /// Devices that a timer will look at.
    var timerCount: Int { deadlines.count }
    /// Lets rest who can before the turn is over: many sleepers looked at in one turn are not all whole at once. The caller does not hold on
    /// to a device.
    func restSoon() { table.rest(now: now) }
    func mayRest(_ device: Device) { table.mayRest(device) }

    func device(at peer: PeerAddress) -> Device? { table[peer] }
    func device(_ serial: UInt64) -> Device? { table[serial] }
    func client(_ clientID: ClientID) -> Device? { table[clientID] }
    func device(at place: Int) -> Device? { table.device(at: place) }
    /// The place of the first client that sleeps at or behind a place.
    func nextSleeper(from place: Int, of version: ProtocolVersion?) -> Int? {
        table.nextSleeper(from: place, of: version)
    }

    func scheduleTimer(of device: Device) {
        guard table.contains(device.serial) else { return }
        deadlines.set(DeviceTable.place(device.serial), to: device.machine.deadline)
    }

    /// The connection is over. Its peer is remembered for a while: it may not have heard our goodbye.
    func forget(_ device: Device, _ state: ClientStatus.State) {
        let wasBound = isBound(device)
        let wasClient = client(device.clientID) === device
        guard table.remove(device) else { return }
        deadlines.set(DeviceTable.place(device.serial), to: nil)
        if wasBound { departed.insert(device.route.peer, now: now) }
        guard wasClient else { return }
        statusEnded(of: device, state)
        if !device.machine.endsSession {
            duplicates.insert(device.machine.recognisedDuplicates, of: device.clientID, now: now)
        }
    }

    /// Counts and logs what a step has changed.
    func note(_ device: Device, from phase: ConnectionMachine.Phase) {
        switch (phase, device.machine.phase) {
        case (.awaitingWillTopic, .ended), (.awaitingWillMessage, .ended): counters.handshakesAbandoned.add()
        case (.asleep, .awake): counters.wakes.add()
        default: break
        }
        statusChanged(of: device)
        logger.log(
            .debug, "client changed state",
            [
                .client: device.clientID.string, .peer: device.route.peer.record.address,
                .reason: "\(device.machine.phase)",
            ])
    }

    // MARK: Packets

    private func receive(_ packet: Packet, octets: Int, by route: Route, _ version: ProtocolVersion) {
        logger.log(.trace, "received", [.packet: "\(packet.type)", .peer: route.peer.record.address])
        switch packet {
        case .connect(let connect): receive(connect, by: route)
        case .connectDraft(let connect): receive(connect, by: route)
        case .connectionEncapsulation(let encapsulation): receive(encapsulation, by: route)
        case .publishWithoutSession(let publish) where device(at: route.peer)?.attachment == nil:
            publishWithoutSession(publish, from: route.peer)
        case .searchGateway: answerSearch(of: octets, by: route, version)
        case .pingreq(let clientID?): receivePing(ClientID(clientID), by: route)
        case .advertise, .gatewayInfo: break  // Another gateway of the network.
        case .forwarderEncapsulation: counters.datagramsMalformed.add()  // A forwarder does not carry a forwarder.
        case .publish(let publish) where publish.qos == .connectionless && device(at: route.peer)?.attachment == nil:
            publishConnectionless(publish, from: route.peer)
        default:
            guard let device = device(at: route.peer) else { return answerStranger(packet, route, version) }
            move(device, to: route)
            device.receive(packet)
        }
    }

    /// A message of 2.0 with its client's id, from wherever the client is now.
    private func receive(_ encapsulation: Packet.ConnectionEncapsulation, by route: Route) {
        let clientID = ClientID(encapsulation.clientID)
        guard let device = client(clientID), let draft = device.machine.draft, draft.connect.mayChangeAddress,
            let packet = try? Packet.decode(from: encapsulation.message, limits: limits, version: .v20),
            follows(device, to: route)
        else { return answerStranger(.pingreqDraft(messageID: 0), route, .v20) }
        device.receive(packet)
    }

    private func receive(_ connect: Packet.Connect, by route: Route) {
        if let refusal = policy(for: connect.clientID, by: route).refusal(of: connect) {
            return send(.connack(refusal), to: route)
        }
        guard mayBe(ClientID(connect.clientID), route) else {
            counters.identitiesRefused.add()
            return send(.connack(.notSupported), to: route)
        }
        guard hasRoom(for: route) else { return send(.connack(.congestion), to: route) }
        begin(connect, draft: nil, by: route).start()
    }

    /// Whether one more client may be in the middle of CONNECT. The one at `route` begins anew.
    func hasRoom(for route: Route) -> Bool {
        if let bound = device(at: route.peer), bound.attachment == nil { forget(bound, .disconnected) }
        // Half-open connections are what is neither refused nor a session yet.
        return table.count - table.clientCount < settings.maximumHandshakes
    }

    /// - Parameter draft: of a client of 2.0.
    func begin(_ connect: Packet.Connect, draft: DraftTerms?, by route: Route) -> Device {
        let clientID = ClientID(connect.clientID)
        let remembered = duplicates.remove(clientID)
        let window = connect.cleanSession ? nil : client(clientID)?.machine.recognisedDuplicates ?? remembered
        let device = Device(
            serial: table.nextSerial(), connect: connect, draft: draft, route: route,
            duplicates: window ?? DuplicateWindow(),
            loop: self)
        table.insert(device)
        table.bind(device)
        return device
    }

    /// PINGREQ with a client id (MQTT-SN 6.14). Client ids are no secret: an active session stays where it is, and one
    /// asleep moves only as far as `Roaming` allows.
    private func receivePing(_ clientID: ClientID, by route: Route) {
        guard let device = client(clientID) ?? self.device(at: route.peer), device.clientID == clientID else {
            return answerStranger(.pingreq(clientID: clientID.string), route, .v12)
        }
        guard device.version == .v12, follows(device, to: route) else {
            return answerStranger(.pingreq(clientID: clientID.string), route, .v12)
        }
        device.receive(.pingreq(clientID: clientID.string))
    }

    // MARK: Notes

    private func receive(_ note: NoteList.Note) {
        switch note {
        case .opened(let serial, let result): receive(result, for: serial)
        case .wake(let serial): device(serial)?.wake()
        case .closed(let serial, let reason): device(serial)?.closed(reason)
        case .authenticated(let result, let message, let listener): publish(message, as: result, via: listener)
        case .proving(let serial, let step): device(serial)?.proves(step)
        }
    }

    private func receive(_ result: Result<Connected, ConnectRefusal>, for serial: UInt64) {
        guard let device = device(serial) else {
            // The client has begun another connection meanwhile.
            if case .success(let connected) = result { connected.attachment.detach(.shutdown, expiry: nil) }
            return
        }
        switch result {
        case .failure(let refusal): device.refused(refusal)
        case .success(let connected):
            client(device.clientID)?.closed(.takenOver)
            adopt(device)
            device.opened(connected)
        }
    }
}

extension Will {
    /// Nil when the topic is none, which the handshake has ruled out.
    fileprivate init?(_ topic: Packet.WillTopic, _ payload: ByteBuffer) {
        guard let name = try? TopicName(topic.topicName), let qos = topic.qos.qos else { return nil }
        self.init(topic: name, payload: Array(payload.readableBytesView), qos: qos, retain: topic.retain)
    }
}
