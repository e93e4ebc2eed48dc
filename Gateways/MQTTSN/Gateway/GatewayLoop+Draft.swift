import Messaging
import NIOCore

/// CONNECT and AUTH of 2.0.
extension GatewayLoop {
    func receive(_ connect: Packet.ConnectDraft, by route: Route) {
        func refuse(_ reason: ReturnCode) {
            send(
                .connackDraft(Packet.ConnackDraft(messageID: connect.messageID, reason: reason)), to: route,
                version: .v20)
        }
        var assigned: String?
        if connect.clientID.isEmpty { assigned = Self.newClientID() }
        let clientID = assigned ?? connect.clientID
        var equivalent = connect.inOldWords
        equivalent.clientID = clientID
        guard connect.keepAlive > 0, connect.isPacketSizeValid else { return refuse(.protocolError) }
        guard policy(for: clientID, by: route, .v20).refusal(of: equivalent) == nil else {
            return refuse(.invalidClientID)
        }
        guard mayBe(ClientID(clientID), route) else {
            counters.identitiesRefused.add()
            return refuse(.notAuthorized)
        }
        let will = connect.will.flatMap { Will($0, predefinedTopics, ClientID(clientID)) }
        guard connect.will == nil || will != nil else { return refuse(.invalidTopicName) }
        guard hasRoom(for: route) else { return refuse(.draftCongestion) }
        let terms = DraftTerms(connect, assignedClientID: assigned, will: will)
        let device = begin(equivalent, draft: terms, by: route)
        guard let authentication = connect.authentication else { return device.start() }
        device.authenticate(authentication)
    }

    /// Random, as whoever guesses an id can take its session over.
    private static func newClientID() -> String {
        "sn-" + String(UInt64.random(in: .min ... .max), radix: 36)
            + String(UInt64.random(in: .min ... .max), radix: 36)
    }
}

extension Packet.ConnectDraft {
    /// The same in the words of 1.2, as far as those go.
    var inOldWords: Packet.Connect {
        Packet.Connect(will: false, cleanSession: cleanStart, duration: keepAlive, clientID: clientID)
    }

    fileprivate var isPacketSizeValid: Bool {
        maximumPacketSize == 0 || Int(maximumPacketSize) >= DraftTerms.leastPacketSize
    }
}

extension Will {
    /// Nil when the topic is none; there is no session yet whose alias it could be.
    fileprivate init?(_ will: Packet.ConnectDraft.Will, _ predefined: PredefinedTopicTable, _ clientID: ClientID) {
        let topic: TopicName? =
            switch will.topic {
            case .predefined(let id): predefined.topic(of: id, for: clientID)
            case .name(let name): try? TopicName(name)
            case .alias, .reserved: nil
            }
        guard let topic, let qos = will.qos.qos else { return nil }
        self.init(topic: topic, payload: Array(will.payload.readableBytesView), qos: qos, retain: will.retain)
    }
}
