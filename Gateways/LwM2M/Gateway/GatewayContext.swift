import CoAP
import Logging
import Messaging

/// What all devices of one gateway share.
struct GatewayContext: Sendable {
    let broker: any Broker
    let server: CoAPServer
    let configuration: LwM2MConfiguration
    let model: ObjectModel
    let statistics: LwM2MStatistics
    let publisher: Publisher
    let logger: Logger

    /// When a registration made or renewed at `now` ends.
    func expiry(of registration: Registration, from now: Timestamp) -> Timestamp {
        registration.lifetime.map { now + $0 + configuration.lifetimes.grace } ?? .never
    }

    /// The values of a device that are retained, also by an earlier registration or process.
    func retainedValues(of endpoint: String) -> [ObjectPath] {
        guard let filter = try? TopicFilter(CommandTopic.values(endpoint)) else { return [] }
        return broker.retainedMessages(matching: filter, limit: configuration.valuesPerDevice, as: .gateway)
            .compactMap { CommandTopic.valuePath($0.topic.string, of: endpoint) }
    }
}
