@testable import CoAP
import Logging
import Messaging
import TestKit

/// Runs `body` against a CoAP gateway on a fake broker.
func withGateway(
    broker: FakeBroker = FakeBroker(), limits: CoAPLimits = CoAPLimits(),
    _ body: (FakeBroker, Int) async throws -> Void
) async throws {
    var configuration = CoAPServer.Configuration()
    configuration.port = 0
    configuration.limits = limits
    let logger = Logger(label: "test")
    let server = CoAPServer(configuration: configuration, clock: SystemClock(), logger: logger)
    let gateway = CoAPGateway(server: server, broker: broker, logger: logger)
    let listeners = try await gateway.bind()
    await gateway.serve()
    do {
        try await body(broker, listeners[0].port)
    } catch {
        await gateway.stop()
        throw error
    }
    await gateway.stop()
}
