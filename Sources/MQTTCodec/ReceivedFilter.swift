/// One topic filter of a SUBSCRIBE or UNSUBSCRIBE where it lies in the bytes received. Valid as long as those bytes are.
public struct ReceivedFilter {
    /// Checked UTF-8, not empty; whether wildcards stand where they may is for the subscription index to judge.
    public let text: UnsafeRawBufferPointer
    // What follows is asked for by a SUBSCRIBE only.
    public internal(set) var qos = QoS.atMostOnce
    public internal(set) var noLocal = false
    public internal(set) var retainAsPublished = false
    public internal(set) var retainHandling = Subscribe.RetainHandling.send

    init(_ text: UnsafeRawBufferPointer) { self.text = text }
}

/// What a SUBSCRIBE or UNSUBSCRIBE says besides its filters.
public struct FilterRequest {
    /// `.subscribe` or `.unsubscribe`.
    public let type: PacketType
    public let packetIdentifier: PacketIdentifier
    public let properties: Properties
}

extension Subscribe.Filter {
    init(_ filter: ReceivedFilter) {
        self.init(
            String(checked: filter.text), qos: filter.qos, noLocal: filter.noLocal,
            retainAsPublished: filter.retainAsPublished, retainHandling: filter.retainHandling)
    }
}
