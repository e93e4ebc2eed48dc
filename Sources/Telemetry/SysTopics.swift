import Messaging

/// The $SYS topics of one snapshot. Names are Mosquitto's where it has one for the figure, because exporters and
/// dashboards in the field read exactly those; what has no name there stands under `ledger` and `gateways`.
enum SysTopics {
    static let root = "$SYS/broker/"

    static func values(of snapshot: GatewaySnapshot, version: String) -> [(topic: String, value: String)] {
        let ledger = snapshot.broker.ledger
        var values: [(String, String)] = [
            ("version", "apus \(version)"),
            ("uptime", "\(snapshot.uptime.components.seconds) seconds"),
            ("clients/total", "\(snapshot.broker.sessions)"),
            ("clients/connected", "\(snapshot.clients.connected)"),
            ("clients/disconnected", "\(max(0, snapshot.broker.sessions - snapshot.clients.connected))"),
            ("clients/maximum", "\(snapshot.clients.maximum)"),
            ("clients/expired", "\(snapshot.clients.expired)"),
            ("clients/asleep", "\(snapshot.broker.asleep)"),
            ("subscriptions/count", "\(snapshot.broker.subscriptions)"),
            ("shared_subscriptions/count", "\(snapshot.broker.sharedSubscriptions)"),
            ("retained messages/count", "\(snapshot.broker.retainedMessages)"),
            ("store/messages/count", "\(ledger.queued)"),
            ("publish/messages/received", "\(snapshot.broker.messagesReceived)"),
            ("publish/bytes/received", "\(snapshot.broker.octetsReceived)"),
            ("publish/messages/sent", "\(ledger.delivered)"),
            ("publish/messages/dropped", "\(ledger.dropped)"),
            ("publish/messages/refused", "\(snapshot.broker.messagesRefused)"),
            ("ledger", json(ledger)),
            ("ledger/clients", json(snapshot.broker.losses)),
        ]
        for (topic, counter) in totals {
            guard let total = snapshot.total(counter) else { continue }
            values.append((topic, "\(total)"))
        }
        for gateway in snapshot.gateways {
            for counter in gateway.counters {
                values.append(("gateways/\(gateway.name)/\(counter.name)", "\(counter.value)"))
            }
        }
        return values.map { (root + $0.0, $0.1) }
    }

    /// Mosquitto's names for what each protocol's gateway counts on its own.
    private static let totals = [
        ("bytes/received", "bytes_received"), ("bytes/sent", "bytes_sent"),
        ("messages/received", "packets_received"), ("messages/sent", "packets_sent"),
    ]

    /// What the sessions that lost most lost, and why: an array, the worst first.
    private static func json(_ losses: [SessionLoss]) -> String {
        let clients = losses.map { loss in
            let account = loss.report.account
            let dropped = account.reasons.map { "\"\($0.reason.name)\":\($0.count)" }.joined(separator: ",")
            return
                "{\"client\":\(quoted(loss.clientID.string)),\"queued\":\(account.queued),\"expired\":\(account.expired),"
                + "\"refused\":\(loss.report.refused),\"dropped\":{\(dropped)}}"
        }
        return "[\(clients.joined(separator: ","))]"
    }

    /// A JSON string (RFC 8259, 7).
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                let hexadecimal = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hexadecimal.count) + hexadecimal
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// The whole ledger in one message, so that a reader sees one moment and can check the identity.
    private static func json(_ ledger: DropLedger) -> String {
        let dropped = DropReason.allCases.map { "\"\($0.name)\":\(ledger[dropped: $0])" }.joined(separator: ",")
        return "{\"accepted\":\(ledger.accepted),\"delivered\":\(ledger.delivered),\"queued\":\(ledger.queued),"
            + "\"expired\":\(ledger.expired),\"dropped\":{\(dropped)}}"
    }
}
