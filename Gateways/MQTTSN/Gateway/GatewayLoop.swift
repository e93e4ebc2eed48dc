import Logging
import Messaging
import NIOCore

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

    private let limits: Limits
    private var devices: [UInt64: Device] = [:]
    private var clients: [ClientID: Device] = [:]
    private var peers: [PeerKey: Device] = [:]
    private let policies: [DeviceProfile: SessionPolicy]
    private let mailboxTerms: MailboxTerms?
    /// Nil when anybody may forward.
    private let forwarders: Set<HostAddress>?
    private var lastSerial: UInt64 = 0
    private var deadlines = DeadlineQueue()
    var departed = DepartedPeers()
    var board = StatusBoard()
    private var advertising: Advertising?
    private var duplicates = DuplicateMemory()
    private var sources: SourceLimiter
    var strangers = ReplyThrottle(interval: .seconds(5), perSecond: 100)
    var searchers = ReplyThrottle(interval: .milliseconds(100), perSecond: 100)
    private var noteStorage: [NoteList.Note] = []
    private var deliveries: [Delivery] = []
    private var outgoing = ByteBuffer()
    /// Devices that stopped taking from their mailboxes because the socket was full.
    private var stalled: [UInt64] = []
    private var outbox: [(route: Route, length: Int)] = []

    /// ADVERTISE, as often as the settings say (MQTT-SN 6.1).
    private struct Advertising {
        let targets: [SocketAddress]
        let seconds: UInt16
        var dueAt: Timestamp
    }

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
        policies = Dictionary(
            uniqueKeysWithValues: DeviceProfile.allCases.map { ($0, SessionPolicy(settings, $0)) })
        predefinedTopics = PredefinedTopicTable(
            common: broker.predefinedTopics, byClient: settings.predefinedTopicsByClient)
        mailboxTerms = settings.mailbox.map { MailboxTerms($0) }
        forwarders = settings.forwarders.map { Set($0.compactMap { HostAddress(numeric: $0) }) }
        sources = SourceLimiter(perSecond: settings.strangersPerSecond, burst: 2 * settings.strangersPerSecond)
    }

    /// The rules for one client.
    func policy(for clientID: String) -> SessionPolicy {
        let profile = settings.profilesByClient.first(for: clientID) ?? settings.profile
        guard let policy = policies[profile] else { preconditionFailure("every profile has its policy") }
        return policy
    }

    var now: Timestamp { broker.clock.now() }

    /// When `runTimers` is next needed.
    var nextDeadline: Timestamp? {
        [deadlines.earliest, board.dueAt, advertising?.dueAt].lazy.compactMap(\.self).min()
    }

    // MARK: A turn

    func receive(_ datagram: ByteBuffer, from remote: SocketAddress, to local: NIOPacketInfo?) {
        counters.datagramsReceived.add()
        var route = Route(peer: PeerAddress(remote: remote, nodeID: nil), local: local)
        var message = datagram
        do throws(DecodeError) {
            var packet = try Packet.decode(from: message, limits: limits)
            if case .forwarderEncapsulation(let encapsulation) = packet {
                guard forwarders?.contains(HostAddress(remote)) ?? true else { return counters.forwardersRefused.add() }
                route = Route(peer: PeerAddress(remote: remote, nodeID: encapsulation.nodeID), local: local)
                message = encapsulation.message
                packet = try Packet.decode(from: message, limits: limits)
            }
            guard isAdmitted(route.peer) else { return }
            receive(packet, by: route)
        } catch {
            guard isAdmitted(route.peer) else { return }
            refuse(error, octets: message.readableBytes, route)
        }
    }

    /// Connected clients are slowed down by their acknowledgements; a host without connection by its bucket.
    private func isAdmitted(_ peer: PeerAddress) -> Bool {
        if device(at: peer)?.attachment != nil || sources.allows(HostAddress(peer.remote), now: now) { return true }
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
    }

    func runTimers() {
        let now = now
        while let serial = deadlines.popDue(now: now) {
            guard let device = devices[serial] else { continue }
            device.scheduledDeadline = nil
            device.fireTimer()
        }
        publishStatusIfDue()
        advertiseIfDue()
    }

    /// The socket takes datagrams again.
    func becameWritable() {
        guard isWritable else { return }
        for serial in stalled { notes.add(.wake(serial: serial)) }
        stalled.removeAll()
    }

    /// Begins to send ADVERTISE, the first with the next timers (MQTT-SN 6.1).
    func beginAdvertising(to targets: [SocketAddress], every seconds: UInt16) {
        advertising = Advertising(targets: targets, seconds: seconds, dueAt: now)
    }

    private func advertiseIfDue() {
        guard let current = advertising, current.dueAt <= now else { return }
        advertising?.dueAt = now + .seconds(Int64(current.seconds))
        for target in current.targets {
            let route = Route(peer: PeerAddress(remote: target, nodeID: nil), local: nil)
            send(.advertise(Packet.Advertise(gatewayID: settings.gatewayID, duration: current.seconds)), to: route)
        }
    }

    /// Says goodbye to the clients that listen; all sessions are kept as they are.
    func shutDown() {
        advertising = nil
        for device in devices.values { device.shutDown() }
    }

    // MARK: For devices

    /// Encodes `packet` for this turn's sending.
    func send(_ packet: Packet, to route: Route) {
        let start = outgoing.writerIndex
        if let nodeID = route.peer.nodeID {
            var message = ByteBuffer()
            packet.encode(into: &message)
            let encapsulation = Packet.ForwarderEncapsulation(radius: 0, nodeID: nodeID, message: message)
            Packet.forwarderEncapsulation(encapsulation).encode(into: &outgoing)
        } else {
            packet.encode(into: &outgoing)
        }
        outbox.append((route, outgoing.writerIndex - start))
        logger.log(.trace, "sent", [.packet: "\(packet.type)", .peer: route.peer.record.address])
    }

    /// Asks the core for the client's session.
    func open(_ device: Device, will choice: WillChoice) {
        let connect = device.machine.connect
        var options = SessionOptions(
            cleanStart: connect.cleanSession, expiry: connect.cleanSession ? .zero : settings.sessionExpiry,
            receiveMaximum: 1 + DeliveryMachine.parkedLimit, replacesQuietly: true,
            mailboxTerms: mailboxTerms,
            silence: device.machine.policy.tolerance.allowedSilence(seconds: connect.duration))
        switch choice {
        case .unchanged: options.keepsWill = !connect.cleanSession  // MQTT-SN 6.3
        case .removed: break
        case .set(let topic, let payload): options.will = Will(topic, payload)
        }
        let credentials = Credentials(clientID: device.clientID, peer: device.route.peer.record)
        let serial = device.serial
        broker.connect(
            ConnectRequest(credentials: credentials, options: options),
            owner: DeviceOwner(serial: serial, notes: notes)
        ) { [notes] result in notes.add(.opened(serial: serial, result)) }
    }

    /// One delivery, or nil when the mailbox has none, at least for now.
    func takeOne(from attachment: any Attachment) -> (delivery: Delivery?, comesLater: Bool) {
        let result = attachment.take(1, into: &deliveries)
        return (deliveries.popLast(), result == .later)
    }

    /// Lets `device` go on taking from its mailbox in a later turn.
    func takeLater(_ device: Device) {
        if isWritable { notes.add(.wake(serial: device.serial)) } else { stalled.append(device.serial) }
    }

    func isBound(_ device: Device) -> Bool { self.device(at: device.route.peer) === device }

    func device(at peer: PeerAddress) -> Device? { peers[key(of: peer)] }
    func device(_ serial: UInt64) -> Device? { devices[serial] }
    func client(_ clientID: ClientID) -> Device? { clients[clientID] }
    var sleepers: [UInt64] { devices.values.lazy.filter { $0.machine.phase == .asleep }.map(\.serial) }

    /// A node is the same behind any of the forwarders an operator has named: they are trusted with node ids, so a node may
    /// move between them at any time. Behind others it is a node of that address only.
    private func key(of peer: PeerAddress) -> PeerKey {
        guard let nodeID = peer.nodeID else { return .address(peer.remote) }
        return forwarders == nil ? .nodeBehind(peer.remote, nodeID) : .node(nodeID)
    }

    func scheduleTimer(of device: Device) {
        guard let deadline = device.machine.deadline, devices[device.serial] != nil else { return }
        if let scheduled = device.scheduledDeadline, scheduled <= deadline { return }
        device.scheduledDeadline = deadline
        deadlines.insert(device.serial, at: deadline)
    }

    /// The connection is over. Its peer is remembered for a while: it may not have heard our goodbye.
    func forget(_ device: Device, _ state: ClientStatus.State) {
        guard devices.removeValue(forKey: device.serial) != nil else { return }
        if isBound(device) {
            peers[key(of: device.route.peer)] = nil
            departed.insert(device.route.peer, now: now)
        }
        guard clients[device.clientID] === device else { return }
        clients[device.clientID] = nil
        statusEnded(of: device, state)
        if !device.machine.connect.cleanSession {
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

    private func receive(_ packet: Packet, by route: Route) {
        logger.log(.trace, "received", [.packet: "\(packet.type)", .peer: route.peer.record.address])
        switch packet {
        case .connect(let connect): receive(connect, by: route)
        case .searchGateway: answerSearch(route)
        case .pingreq(let clientID?): receivePing(ClientID(clientID), by: route)
        case .advertise, .gatewayInfo: break  // Another gateway of the network.
        case .forwarderEncapsulation: counters.datagramsMalformed.add()  // A forwarder does not carry a forwarder.
        case .publish(let publish) where publish.qos == .connectionless && device(at: route.peer)?.attachment == nil:
            publishConnectionless(publish, from: route.peer)
        default:
            guard let device = device(at: route.peer) else { return answerStranger(packet, route) }
            move(device, to: route)
            device.receive(packet)
        }
    }

    private func receive(_ connect: Packet.Connect, by route: Route) {
        let clientID = ClientID(connect.clientID)
        if let refusal = policy(for: connect.clientID).refusal(of: connect) {
            return send(.connack(refusal), to: route)
        }
        if let bound = device(at: route.peer), bound.attachment == nil {
            forget(bound, .disconnected)  // Its handshake begins anew.
        }
        // Half-open connections are what is neither refused nor a session yet.
        guard devices.count - clients.count < settings.maximumHandshakes else {
            return send(.connack(.congestion), to: route)
        }
        let remembered = duplicates.remove(clientID)
        let window = connect.cleanSession ? nil : clients[clientID]?.machine.recognisedDuplicates ?? remembered
        lastSerial += 1
        let device = Device(
            serial: lastSerial, connect: connect, route: route, duplicates: window ?? DuplicateWindow(), loop: self)
        devices[device.serial] = device
        peers[key(of: route.peer)] = device
        device.start()
    }

    /// PINGREQ with a client id (MQTT-SN 6.14). Client ids are no secret: an active session stays where it is, and one
    /// asleep moves only as far as `Roaming` allows.
    private func receivePing(_ clientID: ClientID, by route: Route) {
        guard let device = clients[clientID] ?? device(at: route.peer), device.clientID == clientID else {
            return answerStranger(.pingreq(clientID: clientID.string), route)
        }
        if key(of: device.route.peer) != key(of: route.peer) {
            guard device.machine.phase == .asleep, mayRoam(from: device.route.peer, to: route.peer) else {
                return answerStranger(.pingreq(clientID: clientID.string), route)
            }
            if isBound(device) { peers[key(of: device.route.peer)] = nil }
        }
        peers[key(of: route.peer)] = device
        move(device, to: route)
        device.receive(.pingreq(clientID: clientID.string))
    }

    /// The way back to a client is always the one it was heard on last.
    private func move(_ device: Device, to route: Route) {
        let old = device.route.peer
        device.route = route
        guard old != route.peer else { return }
        counters.roams.add()
        device.status.roams &+= 1
        statusChanged(of: device)
        events.record(.roamed(device.clientID, from: old.record.address, to: route.peer.record.address))
    }

    private func mayRoam(from old: PeerAddress, to new: PeerAddress) -> Bool {
        switch settings.roaming {
        case .none: false
        case .port: old.isSameHost(as: new)
        case .address: true
        }
    }

    // MARK: Notes

    private func receive(_ note: NoteList.Note) {
        switch note {
        case .opened(let serial, let result): receive(result, for: serial)
        case .wake(let serial): devices[serial]?.wake()
        case .closed(let serial, let reason): devices[serial]?.closed(reason)
        case .authenticated(let result, let message): publish(message, as: result)
        }
    }

    private func receive(_ result: Result<Connected, ConnectRefusal>, for serial: UInt64) {
        guard let device = devices[serial] else {
            // The client has begun another connection meanwhile.
            if case .success(let connected) = result { connected.attachment.detach(.shutdown, expiry: nil) }
            return
        }
        switch result {
        case .failure(let refusal): device.refused(refusal)
        case .success(let connected):
            clients[device.clientID]?.closed(.takenOver)
            clients[device.clientID] = device
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
