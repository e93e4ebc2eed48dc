/// Names that a client is not offered again on this connection, and what waits for its next one because of that.
struct GivenUpNames {
    /// Ids whose REGISTER the client refused (MQTT-SN 6.10).
    var refused: Set<UInt16> = []
    /// Ids whose REGISTER the client left unanswered.
    var silent: Set<UInt16> = []
    /// Deliveries at QoS 1 and 2 under such ids, unsettled: they are the first on the next connection. Oldest first.
    var parked: [(packetID: UInt16, topicID: UInt16)] = []

    /// The client knows the id after all.
    /// - Returns: the packet identifiers of what was parked under it.
    mutating func takeUp(_ topicID: UInt16) -> [UInt16] {
        refused.remove(topicID)
        guard silent.remove(topicID) != nil else { return [] }
        let taken = parked.filter { $0.topicID == topicID }.map(\.packetID)
        parked.removeAll { $0.topicID == topicID }
        return taken
    }
}
