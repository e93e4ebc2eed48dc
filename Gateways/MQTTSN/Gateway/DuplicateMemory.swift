import Messaging

/// Windows of recognised repetitions whose clients are away for a moment: a PUBLISH whose PUBACK was lost together with the
/// connection is recognised on the next one (MQTT-SN 6.13). Kept as long as a window means anything.
struct DuplicateMemory {
    private static let capacity = 4_096
    private var windows: [ClientID: (window: DuplicateWindow, until: Timestamp)] = [:]

    mutating func insert(_ window: DuplicateWindow, of clientID: ClientID, now: Timestamp) {
        guard !window.isEmpty else { return }
        if windows.count >= Self.capacity { windows = windows.filter { now < $0.value.until } }
        guard windows.count < Self.capacity else { return }
        windows[clientID] = (window, now + DuplicateWindow.lifetime)
    }

    mutating func remove(_ clientID: ClientID) -> DuplicateWindow? { windows.removeValue(forKey: clientID)?.window }
}
