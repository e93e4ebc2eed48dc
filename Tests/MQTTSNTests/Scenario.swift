import Foundation
import Messaging
import TestKit
import Testing

@testable import MQTTSN

/// One scenario of a file under /Fixtures/mqttsn/conversations:
///
/// ```
/// == 7 A repeated CONNECT is answered again        number and what it shows
/// SET qos-1 off                                    before anything happens
/// C> 08 04 04 01 00 3c 63 31                       client C sends; any name without ">" is a client
/// C>> 02 16                                        the same, though answers to what came before are not looked at yet
/// G> 03 05 00                                      the gateway answers the client that spoke last
/// C< 03 05 00                                      the gateway sends to client C
/// PUB a/b 1 68 69                                  somebody publishes at QoS 1 (`1r` retained)
/// SEEN a/b 1 68 69                                 the broker got this, next in order
/// WAIT 15s
/// ```
/// Whatever the gateway sends or the broker gets must be expected before the next thing happens. Clients named alike but for
/// digits share a host: C, C2 and C3 are ports of one.
struct Scenario: Sendable, CustomTestStringConvertible {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

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

    /// It decides itself when the store commits, which takes a fake broker.
    var commitsByHand: Bool { lines.contains { $0.words[0] == "COMMIT-BY-HAND" } }

    /// What the SET lines ask for.
    /// - Parameter network: the first three numbers of the clients' addresses.
    func setup(network: String) throws -> (MQTTSNSettings, BrokerLimits) {
        var settings = MQTTSNSettings()
        settings.publishesClientStatus = false
        var limits = BrokerLimits()
        for line in lines where line.words[0] == "SET" {
            try Self.set(line.words, network, &settings, &limits)
        }
        return (settings, limits)
    }

    private static func set(
        _ words: [String], _ network: String, _ settings: inout MQTTSNSettings, _ limits: inout BrokerLimits
    ) throws {
        switch words[1] {
        case "qos-1": settings.allowsConnectionlessPublish = words[2] == "on"
        case "client-id-length": settings.maximumClientIDLength = Int(words[2]) ?? 0
        case "packet-size": settings.maximumPacketSize = Int(words[2]) ?? 0
        case "topic-ids": limits.topicIDsPerSession = Int(words[2]) ?? 0
        case "sessions": limits.sessions = Int(words[2]) ?? 0
        case "per-wake": settings.messagesPerWake = Int(words[2])
        case "roaming": settings.roaming = MQTTSNSettings.Roaming(rawValue: words[2]) ?? .none
        case "tail": settings.toleratesTrailingOctets = words[2] == "on"
        case "profile":
            settings.profilesByClient = ClientTable([words[2]: DeviceProfile(rawValue: words[3]) ?? .standard])
        case "listener-profile": settings.profile = DeviceProfile(rawValue: words[2]) ?? .standard
        case "version-2": settings.speaksDraft = words[2] == "on"
        case "strangers-2": settings.strangersSpeakDraft = words[2] == "on"
        case "strangers": settings.strangersPerSecond = Int(words[2]) ?? 0
        case "forwarders": settings.forwarders = words[2...].map { "\(network).\($0.utf8.first ?? 0)" }
        case "advertise":
            settings.advertiseInterval = UInt16(words[2])
            settings.advertiseAddress = "\(network).\("A".utf8.first ?? 0)"
        case "client-topic":
            var topics = PredefinedTopics()
            _ = topics.insert(UInt16(words[3]) ?? 0, try TopicName(words[4]))
            settings.predefinedTopicsByClient = ClientTable([words[2]: topics])
        case "backlog":
            var mailbox = MailboxLimits()
            mailbox.offlineMessages = Int(words[2]) ?? 0
            mailbox.policy = MailboxLimits.Policy(rawValue: words[3]) ?? .dropOldest
            if words.count > 4 { mailbox.timeToLive = .seconds(Int(words[4]) ?? 0) }
            settings.mailbox = mailbox
        default: throw Failure(description: "no setting \(words[1])")
        }
    }
}

/// Where a scenario is played: the gateway's loop alone, or the gateway behind a socket.
protocol Stage: AnyObject {
    /// Sends from a client, and returns when the gateway has done what follows from it.
    func send(_ octets: [UInt8], from client: String) async throws
    /// The next datagram for a client.
    func next(for client: String) throws -> [UInt8]?
    /// A datagram nobody has asked for yet, as words.
    func unexpected() throws -> String?
    func publish(_ topic: String, _ payload: [UInt8], _ qos: QoS, retain: Bool) async throws
    /// The next message a client has published, or a will.
    func nextPublished() throws -> Message?
    func wait(_ duration: Duration) async throws
    func forbid(_ topic: String)
    func refuse(_ refusal: ConnectRefusal)
    func commitByHand() throws
    func commit() async throws
    func reading(_ name: String) -> UInt64?
    /// `none`, or `attached` or `away` with the filters.
    func session(_ clientID: String) throws -> String
}

/// Plays one scenario on a stage.
final class ScenarioPlayer {
    private let stage: any Stage
    private var speaker = ""

    private init(_ stage: any Stage) { self.stage = stage }

    static func play(_ scenario: Scenario, on stage: any Stage) async throws {
        let player = ScenarioPlayer(stage)
        for line in scenario.lines where line.words[0] != "SET" {
            do {
                try await player.perform(line.words)
            } catch let failure as Scenario.Failure {
                throw Scenario.Failure(
                    description: "\(scenario.title), line \(line.number): \(failure.description)")
            }
        }
        do {
            try player.expectSilence()
        } catch let failure as Scenario.Failure {
            throw Scenario.Failure(description: "\(scenario.title), at the end: \(failure.description)")
        }
    }

    private func perform(_ words: [String]) async throws {
        let payload = words.dropFirst().joined()
        switch words[0] {
        case "G>": try expect(speaker, payload)
        case "PUB":
            try expectSilence()
            let qos = QoS(rawValue: UInt8(words[2].prefix(1)) ?? 0) ?? .atMostOnce
            let payload = octets(hex: words.dropFirst(3).joined()) ?? []
            try await stage.publish(words[1], payload, qos, retain: words[2].hasSuffix("r"))
        case "SEEN": try expectPublished(words)
        case "WAIT":
            try expectSilence()
            try await stage.wait(.milliseconds(Int64((Double(words[1].dropLast()) ?? 0) * 1_000)))
        case "FORBID": stage.forbid(words[1])
        case "REFUSE": stage.refuse(words[1] == "quota" ? .quotaExceeded : .notAuthorized)
        case "COMMIT-BY-HAND": try stage.commitByHand()
        case "COMMIT":
            try expectSilence()
            try await stage.commit()
        case "COUNT":
            let value = stage.reading(words[1])
            guard value == UInt64(words[2]) else {
                throw Scenario.Failure(
                    description: "\(words[1]) is \(value.map { "\($0)" } ?? "unknown"), not \(words[2])")
            }
        case "SESSION":
            let state = try stage.session(words[1])
            let expected = words.dropFirst(2).joined(separator: " ")
            guard state == expected else {
                throw Scenario.Failure(description: "session of \(words[1]): \(state), expected \(expected)")
            }
        case let word where word.hasSuffix(">>"):
            speaker = String(word.dropLast(2))
            try await stage.send(octets(hex: payload) ?? [], from: speaker)
        case let word where word.hasSuffix(">"):
            try expectSilence()
            speaker = String(word.dropLast())
            try await stage.send(octets(hex: payload) ?? [], from: speaker)
        case let word where word.hasSuffix("<"): try expect(String(word.dropLast()), payload)
        default: throw Scenario.Failure(description: "what is \(words[0])?")
        }
    }

    private func expect(_ client: String, _ payload: String) throws {
        guard let expected = octets(hex: payload) else { throw Scenario.Failure(description: "not hex: \(payload)") }
        guard let sent = try stage.next(for: client) else {
            let other = try stage.unexpected().map { ", but \($0)" } ?? ""
            throw Scenario.Failure(description: "nothing was sent to \(client)\(other), expected \(hex(expected))")
        }
        guard sent == expected else {
            throw Scenario.Failure(description: "sent \(hex(sent)) to \(client), expected \(hex(expected))")
        }
    }

    private func expectSilence() throws {
        if let unexpected = try stage.unexpected() { throw Scenario.Failure(description: "unexpected: \(unexpected)") }
        if let message = try stage.nextPublished() {
            throw Scenario.Failure(description: "unexpected publication on \(message.topic)")
        }
    }

    private func expectPublished(_ words: [String]) throws {
        guard let message = try stage.nextPublished() else {
            throw Scenario.Failure(description: "nothing was published")
        }
        let text = ["\(message.topic)", "\(message.qos.rawValue)\(message.retain ? "r" : "")", hex(message.payload)]
        guard text.joined(separator: " ") == words.dropFirst().joined(separator: " ") + (words.count == 3 ? " " : "")
        else { throw Scenario.Failure(description: "published \(text.joined(separator: " "))") }
    }
}
