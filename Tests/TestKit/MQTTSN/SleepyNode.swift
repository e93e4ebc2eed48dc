package import Messaging

/// An MQTT-SN 1.2 node that sleeps most of the time, as a machine of octets and time: it connects, subscribes, publishes what
/// it has, sleeps, wakes for its messages, and begins anew. It repeats what is unanswered and connects again when all
/// repetitions were in vain.
package final class SleepyNode {
    package enum QoS: UInt8, Sendable { case atLeastOnce = 1, exactlyOnce = 2 }

    private enum Phase {
        case connecting, settingUp, publishing, goingToSleep
        case asleep(until: Timestamp)
        case waking
    }

    private struct Publication {
        let qos: QoS
        let messageID: UInt16
        let payload: [UInt8]
        var isReceived = false
    }

    /// One request at a time, repeated until it is answered.
    private struct Request {
        let octets: [UInt8]
        var repeatAt: Timestamp
        var repetitionsLeft = SleepyNode.repetitions
    }

    private static let patience = Duration.seconds(3)
    private static let repetitions = 5
    private static let remembered = 32

    package let clientID: String
    /// Where it sends from; another one after each sleep of a node that roams.
    package private(set) var port = 1
    /// Payloads of publications the gateway has acknowledged for good.
    package private(set) var acknowledged: [[UInt8]] = []
    /// Payloads received, in order, each time they were accepted as new.
    package private(set) var received: [QoS: [[UInt8]]] = [:]
    package private(set) var connects = 0
    package private(set) var wakes = 0

    private let roams: Bool
    private let wakesPerConnection: Int
    private var generator: SeededGenerator
    private var phase = Phase.connecting
    private var request: Request?
    private var outbox: [[UInt8]] = []
    private var queue: [(QoS, [UInt8])] = []
    private var publication: Publication?
    private var hasSubscribed = false
    private var topicID: [UInt8]?
    private var lastMessageID: UInt16 = 0
    private var wakesLeft = 0
    /// MsgIds of QoS 2 between PUBLISH and PUBREL, and those completed lately.
    private var receiving: Set<UInt16> = []
    private var completed: [UInt16] = []

    package init(number: Int, roams: Bool, wakesPerConnection: Int = 3, seed: UInt64) {
        clientID = "node\(number)"
        self.roams = roams
        self.wakesPerConnection = wakesPerConnection
        generator = SeededGenerator(seed: seed)
    }

    /// To be published on `up/{clientID}` in the next active time.
    package func publishLater(_ qos: QoS, _ payload: [UInt8]) { queue.append((qos, payload)) }

    package var hasPublishedAll: Bool { queue.isEmpty && publication == nil }

    /// What it sends, since the last call.
    package func takeSent() -> [[UInt8]] {
        defer { outbox.removeAll(keepingCapacity: true) }
        return outbox
    }

    // MARK: Time

    package func advance(to now: Timestamp) {
        if case .asleep(let until) = phase {
            guard until <= now else { return }
            wakeUp()
        }
        if var open = request {
            guard open.repeatAt <= now else { return }
            guard open.repetitionsLeft > 0 else {
                request = nil
                phase = .connecting
                return ask(now)
            }
            open.repetitionsLeft -= 1
            open.repeatAt = now + Self.patience
            request = open
            outbox.append(repeated(open.octets))
        } else {
            ask(now)
        }
    }

    private func wakeUp() {
        if roams { port += 1 }
        wakesLeft -= 1
        phase = wakesLeft > 0 ? .waking : .connecting
        if wakesLeft > 0 { wakes += 1 }
    }

    /// A PUBLISH is repeated with DUP, everything else as it was (MQTT-SN 6.13).
    private func repeated(_ octets: [UInt8]) -> [UInt8] {
        guard octets[1] == 0x0C else { return octets }
        var octets = octets
        octets[2] |= 0x80
        return octets
    }

    private func ask(_ now: Timestamp) {
        switch phase {
        case .asleep: break
        case .connecting:
            connects += 1
            send(0x04, [0x00, 0x01, 0x01, 0x2C] + Array(clientID.utf8), now)
        case .settingUp where !hasSubscribed:
            send(0x12, [0x40] + next() + Array("down/\(clientID)/#".utf8), now)
        case .settingUp where topicID == nil:
            send(0x0A, [0, 0] + next() + Array("up/\(clientID)".utf8), now)
        case .settingUp:
            phase = .publishing
            ask(now)
        case .publishing: publishNext(now)
        case .goingToSleep: send(0x18, [0, 30], now)
        case .waking: send(0x16, Array(clientID.utf8), now)
        }
    }

    private func publishNext(_ now: Timestamp) {
        if publication == nil, !queue.isEmpty {
            let (qos, payload) = queue.removeFirst()
            _ = next()
            publication = Publication(qos: qos, messageID: lastMessageID, payload: payload)
        }
        guard let publication, let topicID else {
            phase = .goingToSleep
            return ask(now)
        }
        if publication.isReceived { return send(0x10, big(publication.messageID), now) }
        send(0x0C, [publication.qos.rawValue << 5] + topicID + big(publication.messageID) + publication.payload, now)
    }

    private func send(_ type: UInt8, _ body: [UInt8], _ now: Timestamp) {
        let octets = [UInt8(body.count + 2), type] + body
        request = Request(octets: octets, repeatAt: now + Self.patience)
        outbox.append(octets)
    }

    private func next() -> [UInt8] {
        lastMessageID = lastMessageID == .max ? 1 : lastMessageID + 1
        return big(lastMessageID)
    }

    // MARK: What arrives

    package func receive(_ octets: [UInt8], now: Timestamp) {
        if case .asleep = phase { return }  // The radio is off.
        guard octets.count >= 2, Int(octets[0]) == octets.count else { return }
        let body = Array(octets[2...])
        switch octets[1] {
        case 0x0A where body.count > 4: answer(0x0B, Array(body[0..<4]) + [0])
        case 0x0C where body.count >= 5: receivePublish(body)
        case 0x10 where body.count == 2: receiveRelease(body)
        case 0x18: receiveDisconnect(now)
        default: receiveAnswer(octets[1], body, now)
        }
    }

    private func answer(_ type: UInt8, _ body: [UInt8]) {
        outbox.append([UInt8(body.count + 2), type] + body)
        // A flush that makes progress is not a PINGREQ left unanswered.
        request?.repetitionsLeft = Self.repetitions
    }

    private func receivePublish(_ body: [UInt8]) {
        let messageID = UInt16(body[3]) << 8 | UInt16(body[4])
        let payload = Array(body[5...])
        if body[0] >> 5 & 0x03 == 1 {
            received[.atLeastOnce, default: []].append(payload)
            answer(0x0D, Array(body[1..<5]) + [0])
        } else {
            if !completed.contains(messageID), receiving.insert(messageID).inserted {
                received[.exactlyOnce, default: []].append(payload)
            }
            answer(0x0F, big(messageID))
        }
    }

    private func receiveRelease(_ body: [UInt8]) {
        let messageID = UInt16(body[0]) << 8 | UInt16(body[1])
        if receiving.remove(messageID) != nil {
            completed.append(messageID)
            if completed.count > Self.remembered { completed.removeFirst() }
        }
        answer(0x0E, body)
    }

    /// The answer to its own, or word that the gateway does not know it (any more).
    private func receiveDisconnect(_ now: Timestamp) {
        if case .goingToSleep = phase {
            wakesLeft = wakesPerConnection
            sleep(now)
        } else {
            request = nil
            phase = .connecting
        }
    }

    private func sleep(_ now: Timestamp) {
        request = nil
        phase = .asleep(until: now + .milliseconds(Int64.random(in: 15_000...35_000, using: &generator)))
    }

    private func receiveAnswer(_ type: UInt8, _ body: [UInt8], _ now: Timestamp) {
        guard let asked = request?.octets else { return }
        switch (asked[1], type) {
        case (0x04, 0x05) where body == [0]:
            phase = .settingUp
        case (0x12, 0x13) where body.count == 6 && body[5] == 0 && Array(body[3..<5]) == Array(asked[3..<5]):
            hasSubscribed = true
        case (0x0A, 0x0B) where body.count == 5 && body[4] == 0 && Array(body[2..<4]) == Array(asked[4..<6]):
            topicID = Array(body[0..<2])
        case (0x0C, 0x0D) where body.count == 5 && Array(body[2..<4]) == Array(asked[5..<7]):
            guard body[4] == 0, let publication, publication.qos == .atLeastOnce else { return }
            complete(publication)
        case (0x0C, 0x0F) where body == Array(asked[5..<7]): publication?.isReceived = true
        case (0x10, 0x0E) where body == Array(asked[2..<4]):
            if let publication { complete(publication) }
        case (0x16, 0x17): return sleep(now)
        default: return
        }
        request = nil
        ask(now)
    }

    private func complete(_ publication: Publication) {
        acknowledged.append(publication.payload)
        self.publication = nil
    }
}

private func big(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
