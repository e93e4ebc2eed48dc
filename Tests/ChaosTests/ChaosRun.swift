import Foundation
import TestKit
import Testing

/// A gateway that is killed again and again while clients of all protocols publish and subscribe, and what they were promised.
///
///     publishers  MQTT 3.1.1 and 5.0 at QoS 1 and 2, MQTT-SN at QoS 1 and 2, CoAP (CON)
///     subscribers online, online and slow, away most of the time, asleep (MQTT-SN); each to everything
///
/// After every kill what the dead gateway left is read: each acknowledged message must be there or with its receiver. Every
/// client goes on where it was, so that what is received twice or out of order shows itself; in the end everybody must have
/// everything.
struct ChaosRun {
    struct Plan {
        var kills: Int
        var seed: UInt64
        /// Longest time from the start of a life to its kill.
        var longestLife = Duration.milliseconds(400)
        /// A kill takes with it what was not synced.
        var losesPower = false
        var settings: [String] = []
    }

    private let plan: Plan
    private let gateway: MortalGateway
    private let account = Shared(Account())
    private var generator: SeededGenerator

    init(_ plan: Plan) throws {
        self.plan = plan
        generator = SeededGenerator(seed: plan.seed)
        gateway = try MortalGateway(
            [
                "sys_interval=100ms", "limits.mailbox.offline_messages=1000000",
                "limits.mailbox.online_messages=1000000",
                "limits.mailbox.octets=256MB", "mqttsn.sleep.messages=1000000", "mqttsn.sleep.octets=256MB",
                "mqttsn.retry_interval=100ms",
            ] + plan.settings, losesPower: plan.losesPower, seed: plan.seed)
    }

    /// - Returns: what the clients saw.
    mutating func run() async throws -> Account {
        let clients = Task { [gateway, account, plan] in
            do {
                try await Self.runClients(gateway, account, seed: plan.seed)
            } catch {
                account.change { $0.violate("a client failed: \(error)") }
            }
        }
        defer {
            gateway.end()
            clients.cancel()
            gateway.remove()
        }
        var apus = try await gateway.start()
        try gateway.open(apus)
        try await wait(for: "all subscriptions") { $0.subscribers.count == 4 }
        for kill in 1...plan.kills {
            let limit = plan.longestLife / .milliseconds(1)
            try await Task.sleep(for: .milliseconds(Int.random(in: 5...Int(limit), using: &generator)))
            try await gateway.kill(apus.program)
            try await examine(after: kill)
            if Int.random(in: 0..<6, using: &generator) == 0 { try await killEarly() }
            // In the last life publishers finish, and everybody is there.
            if kill == plan.kills { account.change { $0.isEnding = true } }
            apus = try await start(compares: kill % 10 == 1)
            guard account.read({ $0.violations.isEmpty }) else { break }
            if kill.isMultiple(of: 50) { print("chaos: \(kill) kills, \(account.read { $0.summary })") }
        }
        return try await end(apus)
    }

    /// What the dead gateway left is sound and complete.
    private func examine(after kill: Int) async throws {
        let findings = try await gateway.examine(["verify", "export"])
        for finding in findings where finding.status != 0 {
            account.change { $0.violate("after kill \(kill) the store is damaged: \(finding.errors)") }
        }
        let stored = try StoredMessages(findings[1].lines)
        account.change { account in
            for loss in stored.losses(account) { account.violate("after kill \(kill): \(loss)") }
        }
    }

    /// A kill may also come while the gateway is still starting.
    private mutating func killEarly() async throws {
        let program = try gateway.startOnly()
        try await Task.sleep(for: .milliseconds(Int.random(in: 0...60, using: &generator)))
        try await gateway.kill(program)
    }

    /// - Parameter compares: whether to ask the new gateway, before anybody else comes, what it has queued.
    private func start(compares: Bool) async throws -> RunningApus {
        let expected = compares ? try StoredMessages(await gateway.examine(["export"])[0].lines).count : 0
        let apus = try await gateway.start()
        if compares { try await compareLedger(apus, queued: expected) }
        for line in apus.program.errorLines where line.contains(" error ") || line.contains(" warning ") {
            account.change { $0.violate("the gateway complains: \(line)") }
        }
        try gateway.open(apus)
        return apus
    }

    private func compareLedger(_ apus: RunningApus, queued: Int) async throws {
        let reader = try RunningApus.start([
            "sub", "-p", "\(try apus.port("mqtt.tcp"))", "-t", "$SYS/broker/ledger", "-C", "1",
        ])
        let text = try await reader.line { $0.hasPrefix("{") }
        let ledger = try JSONDecoder().decode(Ledger.self, from: Data(text.utf8))
        account.change { account in
            account.read(ledger)
            if ledger.queued != queued {
                account.violate("\(queued) deliveries were stored, \(ledger.queued) are queued")
            }
        }
    }

    /// Publishers finish, subscribers take what is left, and a last look at the accounts.
    private func end(_ apus: RunningApus) async throws -> Account {
        if account.read({ $0.violations.isEmpty }) {
            try await waitForTheLastMessages()
            try await wait(for: "the last acknowledgements") {
                $0.ledger?.queued == 0 || !$0.violations.isEmpty
            }
        }
        let result = account.read { $0 }
        gateway.end()
        #expect(try await apus.stop() == 0)
        return result
    }

    /// As long as any come: what has piled up for a sleeper, which takes one at a time, may take minutes.
    private func waitForTheLastMessages() async throws {
        while true {
            let had = account.read { $0.deliveries }
            try await wait(for: "the last messages") { account in
                account.isSettled || !account.violations.isEmpty || account.deliveries >= had + 1_000
            }
            if account.read({ $0.isSettled || !$0.violations.isEmpty }) { return }
        }
    }

    private func wait(
        for what: String, until condition: @escaping @Sendable (Account) -> Bool
    ) async throws {
        let came: Bool? = await account.wait(within: .patience) { condition($0) ? true : nil }
        guard came != nil else {
            let account = account.read { $0 }
            let missing = account.subscribers.map { ($0, account.missing(of: $0).mapValues(\.count)) }
            throw Program.Missing(
                description: "waited in vain for \(what): \(account.summary), missing \(missing), "
                    + "finished \(account.finished.sorted()), ledger \(String(describing: account.ledger))")
        }
    }
}
