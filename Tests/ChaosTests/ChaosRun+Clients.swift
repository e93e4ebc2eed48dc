import MQTTCodec
import TestKit

extension ChaosRun {
    static func runClients(_ gateway: MortalGateway, _ account: Shared<Account>, seed: UInt64) async throws {
        try await withThrowingTaskGroup { group in
            try await addSubscribers(&group, gateway, account, seed)
            // Who publishes before everybody has subscribed would promise nothing to those who come later.
            let all: Bool? = await account.wait(within: .patience) { $0.subscribers.count == 4 ? true : nil }
            guard all != nil else { return }
            try await addPublishers(&group, gateway, account)
            try await group.waitForAll()
        }
    }

    private static func addSubscribers(
        _ group: inout ThrowingTaskGroup<Void, any Error>, _ gateway: MortalGateway, _ account: Shared<Account>,
        _ seed: UInt64
    ) async throws {
        let online = try await MQTTDevice(account) { MQTTSubscriber("online", .v5, account) }
        let slow = try await MQTTDevice(account) { MQTTSubscriber("slow", .v311, isSlow: true, account) }
        let offline = try await MQTTDevice(account) { MQTTSubscriber("offline", .v5, account) }
        let ledger = try await MQTTDevice(account) { LedgerReader(account) }
        group.addTask { await online.run(gateway) }
        group.addTask { await slow.run(gateway) }
        group.addTask {
            await offline.run(gateway) { life in life % 4 == 1 || account.read { $0.isEnding } }
        }
        group.addTask { await ledger.run(gateway) }
        group.addTask { try await NodeSleeper("sleeper", seed: seed, gateway, account).run() }
    }

    private static func addPublishers(
        _ group: inout ThrowingTaskGroup<Void, any Error>, _ gateway: MortalGateway, _ account: Shared<Account>
    ) async throws {
        let publishers = [
            try await MQTTDevice(account) { MQTTPublisher(1, .v5, .atLeastOnce, retains: true, account) },
            try await MQTTDevice(account) { MQTTPublisher(2, .v5, .exactlyOnce, account) },
            try await MQTTDevice(account) { MQTTPublisher(3, .v311, .atLeastOnce, account) },
            try await MQTTDevice(account) { MQTTPublisher(4, .v311, .exactlyOnce, account) },
        ]
        for publisher in publishers { group.addTask { await publisher.run(gateway) } }
        group.addTask { try await NodePublisher(5, isExactlyOnce: false, gateway, account).run() }
        group.addTask { try await NodePublisher(6, isExactlyOnce: true, gateway, account).run() }
        group.addTask { try await CoAPPublisher(7, gateway, account).run() }
    }
}
