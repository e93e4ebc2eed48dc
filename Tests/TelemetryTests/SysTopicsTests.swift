import Messaging
import Testing

@testable import Telemetry

@Suite struct SysTopicsTests {
    private var snapshot: GatewaySnapshot {
        var ledger = DropLedger()
        ledger.accepted = 10
        ledger.delivered = 6
        ledger.queued = 1
        ledger.expired = 1
        ledger[dropped: .mailboxFull] = 2
        var traffic = TrafficReading(listener: "mqtt.tcp")
        traffic.received.add(99, qos: .exactlyOnce)
        var snapshot = GatewaySnapshot()
        snapshot.uptime = .milliseconds(61_500)
        snapshot.clients = ClientCounts(connected: 2, maximum: 5)
        snapshot.broker.sessions = 3
        snapshot.broker.subscriptions = 4
        snapshot.broker.sharedSubscriptions = 1
        snapshot.broker.retainedMessages = 7
        snapshot.broker.asleep = 1
        snapshot.broker.traffic = [traffic]
        snapshot.broker.ledger = ledger
        snapshot.gateways = [
            ("mqtt", [CounterReading(name: "bytes_received", value: 5)]),
            (
                "mqttsn",
                [
                    CounterReading(name: "bytes_received", value: 6),
                    CounterReading(name: "datagrams_malformed", value: 1),
                ]
            ),
        ]
        return snapshot
    }

    @Test(arguments: [
        ("uptime", "61 seconds"), ("clients/connected", "2"), ("clients/disconnected", "1"), ("clients/maximum", "5"),
        ("subscriptions/count", "4"), ("retained messages/count", "7"), ("store/messages/count", "1"),
        ("publish/messages/sent", "6"), ("publish/messages/dropped", "2"), ("bytes/received", "11"),
        ("publish/messages/received", "1"), ("publish/bytes/received", "99"),
        ("gateways/mqttsn/datagrams_malformed", "1"), ("version", "apus 1.2.3"),
    ])
    func eachFigureHasItsTopic(topic: String, value: String) {
        let values = SysTopics.values(of: snapshot, version: "1.2.3")
        #expect(values.first { $0.topic == "$SYS/broker/\(topic)" }?.value == value)
    }

    @Test func theLedgerIsOneMessage() {
        let ledger = SysTopics.values(of: snapshot, version: "1").first { $0.topic == "$SYS/broker/ledger" }?.value
        #expect(ledger?.hasPrefix("{\"accepted\":10,\"delivered\":6,\"queued\":1,\"expired\":1,\"dropped\":{") == true)
        #expect(ledger?.contains("\"mailbox_full\":2") == true)
    }

    @Test func whoLostMostIsToldWithTheReasons() {
        var report = MailboxReport()
        report.account.expired = 1
        report.account[dropped: .mailboxFull] = 2
        report.refused = 3
        var snapshot = snapshot
        snapshot.broker.losses = [SessionLoss(ClientID("a\"\n"), report)]
        let clients = SysTopics.values(of: snapshot, version: "1").first { $0.topic == "$SYS/broker/ledger/clients" }?
            .value
        #expect(
            clients == #"[{"client":"a\"\u000a","queued":0,"expired":1,"refused":3,"dropped":{"mailbox_full":2}}]"#)
    }

    @Test func eachTopicStandsOnce() {
        let topics = SysTopics.values(of: snapshot, version: "1").map(\.topic)
        #expect(Set(topics).count == topics.count)
    }
}
