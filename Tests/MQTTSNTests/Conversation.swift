import Foundation
import Logging
import Messaging
import NIOCore
import Synchronization
import TestKit
import Testing

@testable import MQTTSN

/// One scenario of a file under /Fixtures/mqttsn/conversations:
///
/// ```
/// == 7 A repeated CONNECT is answered again        number and what it shows
/// SET qos-1 off                                    before anything happens
/// C> 08 04 04 01 00 3c 63 31                       client C sends; any name without ">" is a client
/// G> 03 05 00                                      the gateway answers the client that spoke last
/// C< 03 05 00                                      the gateway sends to client C
/// PUB a/b 1 68 69                                  somebody publishes at QoS 1 (`1r` retained)
/// SEEN a/b 1 68 69                                 the broker got this, next in order
/// WAIT 15s
/// ```
/// Whatever the gateway sends or the broker gets must be expected before the next thing happens.
struct Scenario: Sendable, CustomTestStringConvertible {
    let title: String
    let lines: [(number: Int, words: [String])]
    var testDescription: String { title }

    static func load(_ path: String) -> [Scenario] {
        let url = FixtureTable.folder.appending(path: path)
        guard let text = try? String(contentsOf: url, encoding: .utf8) else { return [] }
        var scenarios: [Scenario] = []
        var title = ""
        var lines: [(Int, [String])] = []
        func finish() {
            if !title.isEmpty { scenarios.append(Scenario(title: title, lines: lines)) }
            lines = []
        }
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("== ") {
                finish()
                title = String(line.dropFirst(3))
            } else if !line.isEmpty, !line.hasPrefix("#") {
                lines.append((index + 1, line.split(separator: " ").map(String.init)))
            }
        }
        finish()
        return scenarios
    }
}

/// Plays a scenario against a `GatewayLoop` without sockets.
final class Conversation {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let broker: FakeBroker
    let counters = Counters()
    private(set) var loop: GatewayLoop
    private let notes: NoteList
    private let scheduled = Flag()
    private var clients: [String: SocketAddress] = [:]
    private var sent: [(peer: SocketAddress, octets: [UInt8])] = []
    private var seen = 0
    private var speaker = ""

    init(_ settings: MQTTSNSettings = MQTTSNSettings(), limits: BrokerLimits = BrokerLimits()) throws {
        var predefined = PredefinedTopics()
        _ = predefined.insert(1, try TopicName("fixed/one"))
        _ = predefined.insert(2, try TopicName("a/b"))
        broker = FakeBroker(limits: limits, predefinedTopics: predefined)
        notes = NoteList { [scheduled] in scheduled.raise() }
        loop = GatewayLoop(
            broker: broker, settings: settings, counters: counters, logger: Logger(label: "test"), notes: notes)
    }

    static func play(_ scenario: Scenario) throws {
        var settings = MQTTSNSettings()
        var limits = BrokerLimits()
        var rest = scenario.lines[...]
        while let line = rest.first, line.words[0] == "SET" {
            try set(line.words, &settings, &limits)
            rest.removeFirst()
        }
        let conversation = try Conversation(settings, limits: limits)
        for line in rest {
            do {
                try conversation.perform(line.words)
            } catch let failure as Failure {
                throw Failure(description: "\(scenario.title), line \(line.number): \(failure.description)")
            }
        }
        try conversation.expectSilence()
    }

    private static func set(_ words: [String], _ settings: inout MQTTSNSettings, _ limits: inout BrokerLimits) throws {
        switch words[1] {
        case "qos-1": settings.allowsConnectionlessPublish = words[2] == "on"
        case "client-id-length": settings.maximumClientIDLength = Int(words[2]) ?? 0
        case "packet-size": settings.maximumPacketSize = Int(words[2]) ?? 0
        case "topic-ids": limits.topicIDsPerSession = Int(words[2]) ?? 0
        case "per-wake": settings.messagesPerWake = Int(words[2])
        case "roaming": settings.roaming = MQTTSNSettings.Roaming(rawValue: words[2]) ?? .none
        case "tail": settings.toleratesTrailingOctets = words[2] == "on"
        default: throw Failure(description: "no setting \(words[1])")
        }
    }

    // MARK: Lines

    private func perform(_ words: [String]) throws {
        let payload = words.dropFirst().joined()
        switch words[0] {
        case "G>": try expect(speaker, payload)
        case "PUB":
            try expectSilence()
            let qos = QoS(rawValue: UInt8(words[2].prefix(1)) ?? 0) ?? .atMostOnce
            let octets = octets(hex: words.dropFirst(3).joined()) ?? []
            try broker.publish(words[1], octets, qos: qos, retain: words[2].hasSuffix("r"))
            seen += 1
            turn()
        case "SEEN": try expectPublished(words)
        case "WAIT":
            try expectSilence()
            wait(.milliseconds(Int64((Double(words[1].dropLast()) ?? 0) * 1_000)))
        case "FORBID": broker.forbid(words[1])
        case "REFUSE": broker.refuseConnects(words[1] == "quota" ? .quotaExceeded : .notAuthorized)
        case "COMMIT-BY-HAND": broker.commitByHand()
        case "COMMIT":
            try expectSilence()
            broker.commit()
            turn()
        case "COUNT":
            let value = counters.readings.first { $0.name == words[1] }?.value
            guard value == UInt64(words[2]) else {
                throw Failure(description: "\(words[1]) is \(value.map(String.init) ?? "unknown"), not \(words[2])")
            }
        case "SESSION": try expectSession(words)
        case let word where word.hasSuffix(">"):
            try expectSilence()
            speaker = String(word.dropLast())
            receive(octets(hex: payload) ?? [], from: speaker)
        case let word where word.hasSuffix("<"): try expect(String(word.dropLast()), payload)
        default: throw Failure(description: "what is \(words[0])?")
        }
    }

    // MARK: The gateway

    func receive(_ octets: [UInt8], from client: String) {
        guard let address = try? address(of: client) else { return }
        loop.receive(ByteBuffer(bytes: octets), from: address, to: nil)
        turn()
    }

    /// Steps of a second at most, as timers fire in the order of time.
    func wait(_ duration: Duration) {
        var left = duration
        while left > .zero {
            let step = min(left, .milliseconds(100))
            broker.advance(by: step)
            loop.runTimers()
            turn()
            left -= step
        }
    }

    func takeSent() -> [[UInt8]] {
        defer { sent = [] }
        return sent.map(\.octets)
    }

    private func turn() {
        repeat {
            scheduled.lower()
            loop.finishTurn { route, datagram in sent.append((route.peer.remote, Array(datagram.readableBytesView))) }
        } while scheduled.isRaised
    }

    /// Clients named alike but for digits share a host: C, C2 and C3 are ports of one.
    private func address(of client: String) throws -> SocketAddress {
        if let known = clients[client] { return known }
        let letter = client.utf8.first.map { Int($0) } ?? 0
        let port = Int(client.dropFirst()) ?? 1
        let address = try SocketAddress(ipAddress: "192.0.2.\(letter)", port: 10_000 + port)
        clients[client] = address
        return address
    }

    // MARK: Expectations

    private func expect(_ client: String, _ payload: String) throws {
        guard let expected = octets(hex: payload) else { throw Failure(description: "not hex: \(payload)") }
        guard !sent.isEmpty else { throw Failure(description: "nothing was sent, expected \(hex(expected))") }
        let first = sent.removeFirst()
        guard first.octets == expected, try first.peer == address(of: client) else {
            throw Failure(
                description: "sent \(hex(first.octets)) to \(first.peer), expected \(hex(expected)) to \(client)")
        }
    }

    private func expectSilence() throws {
        if let first = sent.first { throw Failure(description: "unexpected: \(hex(first.octets)) to \(first.peer)") }
        let published = broker.published
        guard published.count == seen else {
            throw Failure(description: "unexpected publication on \(published[seen].topic)")
        }
    }

    private func expectPublished(_ words: [String]) throws {
        guard broker.published.count > seen else { throw Failure(description: "nothing was published") }
        let message = broker.published[seen]
        seen += 1
        let text = ["\(message.topic)", "\(message.qos.rawValue)\(message.retain ? "r" : "")", hex(message.payload)]
        guard text.joined(separator: " ") == words.dropFirst().joined(separator: " ") + (words.count == 3 ? " " : "")
        else { throw Failure(description: "published \(text.joined(separator: " "))") }
    }

    private func expectSession(_ words: [String]) throws {
        let session = broker.session(words[1])
        let text =
            session.map { "\($0.isAttached ? "attached" : "away") \($0.filters.joined(separator: ","))" } ?? "none"
        let expected = words.dropFirst(2).joined(separator: " ")
        guard text.trimmingCharacters(in: .whitespaces) == expected else {
            throw Failure(description: "session of \(words[1]): \(text), expected \(expected)")
        }
    }
}

/// Set when work is to be done in another turn.
private final class Flag: Sendable {
    private let state = Mutex(false)
    var isRaised: Bool { state.withLock { $0 } }
    func raise() { state.withLock { $0 = true } }
    func lower() { state.withLock { $0 = false } }
}
