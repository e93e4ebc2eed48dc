import Messaging

/// Messages as they come, wait and go.
extension GatewayMetrics {
    /// By listener; what the product publishes about itself is `listener="sys"`.
    var messageFamilies: [MetricFamily] {
        var received = MetricFamily(
            .counter, "apus_messages_received_total", "Application messages accepted from publishers")
        var sent = MetricFamily(
            .counter, "apus_messages_sent_total", "Application messages handed over to be sent, repetitions included")
        var octetsReceived = MetricFamily(
            .counter, "apus_messages_received_bytes_total", "Topic and payload of the messages accepted")
        var octetsSent = MetricFamily(
            .counter, "apus_messages_sent_bytes_total", "Topic and payload of the messages handed over to be sent")
        var refused = MetricFamily(.counter, "apus_messages_refused_total", "Application messages refused")
        for reading in snapshot.broker.traffic {
            let isOwn = reading.listener == TrafficReading.ownListener
            for qos in QoS.allCases {
                let labels: KeyValuePairs = ["listener": reading.listener, "qos": "\(qos.rawValue)"]
                received.add(reading.received[qos], labels)
                if !isOwn { sent.add(reading.sent[qos], labels) }
            }
            octetsReceived.add(reading.received.octets, ["listener": reading.listener])
            if !isOwn { octetsSent.add(reading.sent.octets, ["listener": reading.listener]) }
            for refusal in PublishRefusal.allCases where refusal != .detached {
                refused.add(reading.refused[refusal] ?? 0, ["listener": reading.listener, "reason": refusal.name])
            }
        }
        return [received, octetsReceived, refused, sent, octetsSent]
    }

    /// The account of every copy. At any moment
    /// `accepted = delivered + queued + expired + sum(dropped)`.
    var ledgerFamilies: [MetricFamily] {
        let ledger = snapshot.broker.ledger
        var dropped = MetricFamily(.counter, "apus_copies_dropped_total", "Copies that did not reach their receiver")
        for reason in DropReason.allCases { dropped.add(ledger[dropped: reason], ["reason": reason.name]) }
        return [
            .counter("apus_copies_accepted_total", "Copies made of messages, one for each receiver", ledger.accepted),
            .counter("apus_copies_delivered_total", "Copies sent at QoS 0 or acknowledged above", ledger.delivered),
            .counter("apus_copies_expired_total", "Copies whose time ran out while they waited", ledger.expired),
            dropped, .gauge("apus_copies_queued", "Copies waiting or on the way", Int(clamping: ledger.queued)),
        ]
    }

    var mailboxFamilies: [MetricFamily] {
        var mailboxes = MetricFamily(
            .gauge, "apus_mailboxes", "Mailboxes by how many messages wait in them or are on the way")
        for (range, count) in ranges(of: snapshot.broker.mailboxMessages) { mailboxes.add(count, ["messages": range]) }
        return [
            mailboxes,
            .gauge("apus_mailbox_messages_maximum", "Messages of the fullest mailbox", snapshot.broker.fullestMailbox),
            .gauge(
                "apus_mailbox_bytes", "Topic and payload of all messages waiting, once for each mailbox",
                snapshot.broker.mailboxOctets),
            .gauge(
                "apus_memory_tight", "1 while mailboxes take in no more than their share, because of limits.memory",
                snapshot.broker.isMemoryTight ? 1 : 0),
        ]
    }

    /// A histogram of how things stand is no histogram to Prometheus, where buckets only grow; so each bucket is a gauge of its
    /// own, named by its range: `0`, `1`, `2-10`, …, `100001-`.
    private func ranges(of reading: HistogramReading) -> [(range: String, count: UInt64)] {
        var from = 0
        var ranges: [(String, UInt64)] = []
        for (bound, count) in zip(reading.bounds.map { Int($0) }, reading.counts) {
            ranges.append((bound == from ? "\(bound)" : "\(from)-\(bound)", count))
            from = bound + 1
        }
        if let last = reading.counts.last, !reading.bounds.isEmpty { ranges.append(("\(from)-", last)) }
        return ranges
    }
}
