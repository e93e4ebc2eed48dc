extension Duration {
    /// How long a test waits for what has to come, however busy the machine is. Only a test that fails waits that long.
    package static let patience = Duration.seconds(60)
}

/// Waits until what is waited for has come to `count` of `items`, whichever they are.
/// - Parameter comes: returns when it has come, throws when it does not.
package func waitFor<Item: Sendable>(
    _ count: Int, of items: [Item], to comes: @escaping @Sendable (Item) async throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for item in items { group.addTask { try await comes(item) } }
        defer { group.cancelAll() }
        for _ in 0..<count { try await group.next() }
    }
}
