import Messaging

/// All metrics of the product, in the order they are shown. What they mean stands in README.md, by name.
package struct GatewayMetrics {
    let snapshot: GatewaySnapshot
    let process: ProcessReading
    let version: String
    /// Seconds since 1970.
    let startedAt: Double

    package init(snapshot: GatewaySnapshot, process: ProcessReading, version: String, startedAt: Double) {
        self.snapshot = snapshot
        self.process = process
        self.version = version
        self.startedAt = startedAt
    }

    package var text: String { PrometheusText.render(families) }

    package var families: [MetricFamily] {
        connectionFamilies + clientFamilies + subscriptionFamilies + messageFamilies + ledgerFamilies + mailboxFamilies
            + storeFamilies + gatewayFamilies + processFamilies
    }
}

// MARK: - Connections, clients, subscriptions

extension GatewayMetrics {
    private var connectionFamilies: [MetricFamily] {
        var open = MetricFamily(.gauge, "apus_connections", "Open connections")
        var accepted = MetricFamily(.counter, "apus_connections_accepted_total", "Connections accepted")
        var refused = MetricFamily(
            .counter, "apus_connections_refused_total", "Connections closed at once because as many were open as may be"
        )
        for reading in snapshot.connections {
            let labels: KeyValuePairs = ["listener": reading.listener, "transport": reading.transport]
            open.add(reading.open, labels)
            accepted.add(reading.accepted, labels)
            refused.add(reading.overLimit, labels)
        }
        return [open, accepted, refused]
    }

    private var clientFamilies: [MetricFamily] {
        var attached = MetricFamily(.gauge, "apus_clients", "Sessions with a client attached, awake or asleep")
        for reading in snapshot.broker.traffic where reading.listener != TrafficReading.ownListener {
            attached.add(reading.attached, ["listener": reading.listener])
        }
        var refused = MetricFamily(
            .counter, "apus_clients_refused_total", "Clients refused at the start of their session")
        for (reason, count) in snapshot.clients.refusedByReason { refused.add(count, ["reason": reason.name]) }
        return [
            attached,
            .gauge("apus_clients_asleep", "Clients attached but asleep", snapshot.broker.asleep),
            .gauge("apus_clients_maximum", "Most clients attached at once since the start", snapshot.clients.maximum),
            .counter("apus_clients_accepted_total", "Clients let in", snapshot.clients.accepted), refused,
            .gauge("apus_sessions", "Sessions, connected or not", snapshot.broker.sessions),
            .counter("apus_sessions_expired_total", "Sessions whose time ran out", snapshot.clients.expired),
        ]
    }

    private var subscriptionFamilies: [MetricFamily] {
        [
            .gauge("apus_subscriptions", "Subscriptions, shared ones included", snapshot.broker.subscriptions),
            .gauge("apus_shared_subscriptions", "Shared subscriptions", snapshot.broker.sharedSubscriptions),
            .gauge("apus_retained_messages", "Retained messages", snapshot.broker.retainedMessages),
            .gauge("apus_retained_bytes", "Topic and payload of the retained messages", snapshot.broker.retainedOctets),
            .gauge("apus_delayed_messages", "Messages waiting for their time", snapshot.broker.delayedMessages),
        ]
    }
}

// MARK: - The machinery

extension GatewayMetrics {
    private var storeFamilies: [MetricFamily] {
        var level = MetricFamily(.gauge, "apus_store_durability_info", "What a commit survives at least, as a label")
        level.add(1, ["level": (snapshot.store?.durability ?? .memory).rawValue])
        guard let store = snapshot.store else { return [level] }
        var commits = MetricFamily(
            .histogram, "apus_store_commit_seconds", "Time from the begin of a batch to its commit")
        commits.add(store.commitTime)
        var lost = MetricFamily(
            .counter, "apus_store_rows_lost_total", "Rows lost with damaged pages, by table, as far as is known")
        for table in store.rowsLost { lost.add(table.value, ["table": table.name]) }
        return [
            level, .gauge("apus_store_failing", "1 while the store cannot write", store.isFailing ? 1 : 0),
            .counter("apus_store_operations_total", "Changes handed to the store", store.changes),
            .counter("apus_store_batches_total", "Batches written, one transaction each", store.batches), commits,
            .counter(
                "apus_store_failures_total", "Batches that could not be written and were tried again", store.failures),
            .counter(
                "apus_store_deliveries_written_total", "Deliveries that were not over before their batch was written",
                store.deliveriesWritten),
            .counter("apus_store_written_bytes_total", "Bytes appended to the store's log", store.octetsWritten),
            .counter(
                "apus_store_repairs_total", "Times a damaged file was exchanged for what could be read", store.repairs),
            lost,
        ]
    }

    /// One family for each name, whichever gateways count by it.
    private var gatewayFamilies: [MetricFamily] {
        var families: [MetricFamily] = []
        for (gateway, counters) in snapshot.gateways {
            for counter in counters {
                let name = "apus_gateway_\(counter.name)_total"
                let index = families.firstIndex { $0.name == name } ?? families.count
                if index == families.count {
                    families.append(MetricFamily(.counter, name, "Counter \(counter.name) of the protocols' gateways"))
                }
                families[index].add(counter.value, ["gateway": gateway])
            }
        }
        return families
    }

    private var processFamilies: [MetricFamily] {
        var delay = MetricFamily(
            .histogram, "apus_event_loop_delay_seconds", "How late an event loop began what was due, by regular samples"
        )
        for (loop, reading) in snapshot.loopDelays.enumerated() { delay.add(reading, ["loop": "\(loop)"]) }
        var build = MetricFamily(.gauge, "apus_build_info", "Version of the program, as a label")
        build.add(1, ["version": version])
        var started = MetricFamily(.gauge, "process_start_time_seconds", "Start of the process in seconds since 1970")
        started.add(startedAt)
        var processor = MetricFamily(.counter, "process_cpu_seconds_total", "Processor time, user and system")
        if let seconds = process.processorSeconds { processor.add(seconds) }
        return [delay, build, started, processor] + gauges
    }

    private var gauges: [MetricFamily] {
        let figures: [(String, String, UInt64?)] = [
            ("process_resident_memory_bytes", "Resident memory", process.residentOctets),
            ("process_virtual_memory_bytes", "Virtual memory", process.virtualOctets),
            ("process_open_fds", "Open file descriptors", process.openDescriptors),
            ("process_max_fds", "Most file descriptors that may be open", process.descriptorLimit),
            ("apus_threads", "Threads of the process", process.threads),
        ]
        return figures.map { name, help, value in
            var family = MetricFamily(.gauge, name, help)
            if let value { family.add(value) }
            return family
        }
    }
}
