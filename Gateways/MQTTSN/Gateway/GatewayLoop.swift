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
    let policy: SessionPolicy
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
    private var peers: [PeerAddress: Device] = [:]
    private var lastSerial: UInt64 = 0
    private var deadlines = DeadlineQueue()
    var departed = DepartedPeers()
    var strangers = ReplyThrottle(interval: .seconds(5), perSecond: 100)
    var searchers = ReplyThrottle(interval: .milliseconds(100), perSecond: 100)
    private var noteStorage: [NoteList.Note] = []
    private var deliveries: [Delivery] = []
    private var outgoing = ByteBuffer()
    /// Devices that stopped taking from their mailboxes because the socket was full.
    private var stalled: [UInt64] = []
    private var outbox: [(route: Route, length: Int)] = []

    init(broker: any Broker, settings: MQTTSNSettings, counters: Counters, logger: Logger, notes: NoteList) {
        self.broker = broker
        self.settings = settings
        self.counters = counters
        self.logger = logger
        self.notes = notes
        policy = settings.policy
        limits = settings.limits
    }

    var now: Timestamp { broker.clock.now() }

    /// When `runTimers` is next needed.
    var nextDeadline: Timestamp? { deadlines.earliest }

    // MARK: A turn

    func receive(_ datagram: ByteBuffer, from remote: SocketAddress, to local: NIOPacketInfo?) {
        counters.datagramsReceived.add()
        do throws(DecodeError) {
            let packet = try Packet.decode(from: datagram, limits: limits)
            guard case .forwarderEncapsulation(let encapsulation) = packet else {
                return receive(packet, by: Route(peer: PeerAddress(remote: remote, nodeID: nil), local: local))
            }
            let inner = try Packet.decode(from: encapsulation.message, limits: limits)
            let peer = PeerAddress(remote: remote, nodeID: encapsulation.nodeID)
            receive(inner, by: Route(peer: peer, local: local))
        } catch {
            refuse(error, from: remote, to: local)
        }
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
    }

    /// The socket takes datagrams again.
    func becameWritable() {
        guard isWritable else { return }
        for serial in stalled { notes.add(.wake(serial: serial)) }
        stalled.removeAll()
    }

    /// - Parameter seconds: until the next one.
    func advertise(to group: SocketAddress, seconds: UInt16) {
        let route = Route(peer: PeerAddress(remote: group, nodeID: nil), local: nil)
        send(.advertise(Packet.Advertise(gatewayID: settings.gatewayID, duration: seconds)), to: route)
    }

    /// Says goodbye to the clients that listen; all sessions are kept as they are.
    func shutDown() {
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
            receiveMaximum: 1, silence: policy.tolerance.allowedSilence(seconds: connect.duration))
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

    /// One delivery, or nil when the mailbox has none.
    func takeOne(from attachment: any Attachment) -> Delivery? {
        _ = attachment.take(1, into: &deliveries)
        return deliveries.popLast()
    }

    /// Lets `device` go on taking from its mailbox in a later turn.
    func takeLater(_ device: Device) {
        if isWritable { notes.add(.wake(serial: device.serial)) } else { stalled.append(device.serial) }
    }

    func isBound(_ device: Device) -> Bool { peers[device.route.peer] === device }

    func scheduleTimer(of device: Device) {
        guard let deadline = device.machine.deadline, devices[device.serial] != nil else { return }
        if let scheduled = device.scheduledDeadline, scheduled <= deadline { return }
        device.scheduledDeadline = deadline
        deadlines.insert(device.serial, at: deadline)
    }

    /// The connection is over. Its peer is remembered for a while: it may not have heard our goodbye.
    func forget(_ device: Device) {
        devices[device.serial] = nil
        if peers[device.route.peer] === device {
            peers[device.route.peer] = nil
            departed.insert(device.route.peer, now: now)
        }
        if clients[device.clientID] === device { clients[device.clientID] = nil }
    }

    /// Counts and logs what a step has changed.
    func note(_ device: Device, from phase: ConnectionMachine.Phase) {
        switch (phase, device.machine.phase) {
        case (.awaitingWillTopic, .ended), (.awaitingWillMessage, .ended): counters.handshakesAbandoned.add()
        case (.asleep, .awake): counters.wakes.add()
        default: break
        }
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
        case .publish(let publish) where publish.qos == .connectionless && peers[route.peer]?.attachment == nil:
            publishConnectionless(publish, from: route.peer)
        default:
            guard let device = peers[route.peer] else { return answerStranger(packet, route) }
            device.route = route
            device.receive(packet)
        }
    }

    private func receive(_ connect: Packet.Connect, by route: Route) {
        if let refusal = policy.refusal(of: connect) { return send(.connack(refusal), to: route) }
        if let bound = peers[route.peer], bound.attachment == nil {
            forget(bound)  // Its handshake begins anew.
        }
        // Half-open connections are what is neither refused nor a session yet.
        guard devices.count - clients.count < settings.maximumHandshakes else {
            return send(.connack(.congestion), to: route)
        }
        let earlier = clients[ClientID(connect.clientID)]
        let duplicates = connect.cleanSession ? nil : earlier?.machine.recognisedDuplicates
        lastSerial += 1
        let device = Device(
            serial: lastSerial, connect: connect, route: route, duplicates: duplicates ?? DuplicateWindow(), loop: self)
        devices[device.serial] = device
        peers[route.peer] = device
        device.start()
    }

    /// PINGREQ with a client id (MQTT-SN 6.14). Client ids are no secret: an active session stays where it is, and one
    /// asleep moves only as far as `Roaming` allows.
    private func receivePing(_ clientID: ClientID, by route: Route) {
        guard let device = clients[clientID] ?? peers[route.peer], device.clientID == clientID else {
            return answerStranger(.pingreq(clientID: clientID.string), route)
        }
        if device.route.peer != route.peer {
            guard device.machine.phase == .asleep, mayRoam(from: device.route.peer, to: route.peer) else {
                return answerStranger(.pingreq(clientID: clientID.string), route)
            }
            counters.roams.add()
            if peers[device.route.peer] === device { peers[device.route.peer] = nil }
        }
        peers[route.peer] = device
        device.route = route
        device.receive(.pingreq(clientID: clientID.string))
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
