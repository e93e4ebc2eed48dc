import Messaging
import Settings
import Storage

/// What is kept, and where.
extension Configuration {
    var storePath: String {
        settings.dataDirectory.hasSuffix("/") ? settings.dataDirectory + "apus.db" : settings.dataDirectory + "/apus.db"
    }

    /// What the banner says.
    var storeSentence: String {
        let store = settings.store
        guard store.durability != .memory || !store.listeners.isEmpty || !store.topics.isEmpty else {
            return "Nothing is kept beyond the end of the gateway (store.durability: memory)."
        }
        return "Sessions and retained messages are kept in \(storePath), durability \(store.durability.rawValue)."
    }

    /// Nil when nothing is to be kept.
    func storeOptions() throws(SettingsError) -> StoreOptions? {
        let policy = try durabilityPolicy()
        guard policy.strongest != .memory else { return nil }
        var options = StoreOptions(path: storePath)
        // Changes of sessions are synced when anything is.
        options.durability = policy.strongest
        options.linger = settings.store.linger
        // Enough for a first turn of every client; more is read when one has come back.
        options.fullDeliveries = min(100, settings.limits.mailbox.inMemory.value)
        options.maximumOctets = settings.store.maxSize?.bytes
        return options
    }

    /// The levels of `store.durability`, `store.listeners` and `store.topics`.
    func durabilityPolicy() throws(SettingsError) -> DurabilityPolicy {
        var policy = DurabilityPolicy(general: settings.store.durability.durability)
        let known = listeners.map(\.key)
        for (listener, text) in settings.store.listeners.sorted(by: { $0.key < $1.key }) {
            let key = "store.listeners.\(listener)"
            guard known.contains(listener) else {
                throw problem(key, "is no listener", remedy: "use one of \(known.joined(separator: ", "))")
            }
            policy.listeners[listener] = try level(text, key)
        }
        for (text, level) in settings.store.topics.sorted(by: { $0.key < $1.key }) {
            let key = "store.topics.\(text)"
            guard let filter = try? TopicFilter(text), !filter.isShared else {
                throw problem(key, "is not a topic filter", remedy: "use one like telemetry/#")
            }
            policy.topics.append((filter, try self.level(level, key)))
        }
        return policy
    }

    private func level(_ text: String, _ key: String) throws(SettingsError) -> Durability {
        guard let level = Durability(rawValue: text) else {
            throw problem(key, "is \"\(text)\", which is no level", remedy: "use memory, process or disk")
        }
        return level
    }
}

extension StoreSettings.Level {
    var durability: Durability {
        switch self {
        case .memory: .memory
        case .process: .process
        case .disk: .disk
        }
    }
}
