import Admin
import Logging
import Settings
import Telemetry

struct AdminSettings: Decodable, Sendable {
    var http: AdminListenerSettings
}

/// The operators' HTTP listener.
struct AdminListenerSettings: Decodable, Sendable {
    var enabled: Bool
    /// Numeric; checked by `Configuration+Check`.
    var address: String
    var port: Whole<0, 65_535>
    var allowRemote: Bool
    var maxConnections: Whole<1, 65_535>
    var timeout: Duration

    enum CodingKeys: String, CodingKey {
        case enabled, address, port, timeout
        case allowRemote = "allow_remote"
        case maxConnections = "max_connections"
    }

    /// Nil when it is not enabled.
    func gateway(showing observatory: Observatory) -> AdminGateway? {
        guard enabled else { return nil }
        var configuration = AdminConfiguration()
        configuration.address = address
        configuration.port = port.value
        configuration.maximumConnections = maxConnections.value
        configuration.timeout = timeout
        return AdminGateway(
            configuration: configuration, logger: Logger(label: "apus.admin"), metricsType: PrometheusText.contentType,
            metrics: observatory.metrics, health: observatory.health)
    }
}
