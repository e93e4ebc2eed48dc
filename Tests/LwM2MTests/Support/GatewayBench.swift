import CoAP
import Logging
import Messaging
import TestKit

@testable import LwM2M

/// A gateway on a real socket, in front of a broker of paper, with the clock in the test's hand.
struct GatewayBench {
    let broker: FakeBroker
    let clock: ManualClock
    let server: CoAPServer
    let gateway: LwM2MGateway
    let port: Int
    let subscriber: Subscriber

    /// Moves the clock and lets the CoAP thread look at it.
    func advance(by duration: Duration) async {
        broker.advance(by: duration)
        await settle()
    }

    /// Returns when the CoAP thread has done what it was asked so far, what is due by now, and what that has asked for.
    func settle() async {
        let now = clock.now()
        await withCheckedContinuation { continuation in server.perform(at: now) { continuation.resume() } }
        await withCheckedContinuation { continuation in server.perform { continuation.resume() } }
    }

    func device(_ resources: [String: LwM2MDevice.Resource] = LwM2MDevice.deviceObject) throws -> LwM2MDevice {
        try LwM2MDevice(port: port, resources: resources)
    }

    /// Publishes a command as an MQTT client would.
    func command(_ topic: String, _ payload: String = "", qos: QoS = .atLeastOnce) throws {
        try broker.publish("lwm2m/\(topic)", Array(payload.utf8), qos: qos)
    }

    func retained(_ topic: String) -> String? {
        broker.retained("lwm2m/\(topic)").map { String(decoding: $0.payload, as: UTF8.self) }
    }
}

/// - Parameter broker: one that has served another gateway before, for what a restart finds.
func withGateway(
    _ change: (inout LwM2MConfiguration) -> Void = { _ in }, broker earlier: FakeBroker? = nil,
    clock: ManualClock = ManualClock(),
    _ body: (GatewayBench) async throws -> Void
) async throws {
    let broker = earlier ?? FakeBroker(clock: clock)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    var listener = CoAPServer.Configuration()
    listener.port = 0
    let server = CoAPServer(configuration: listener, clock: clock, logger: logger)
    var configuration = LwM2MConfiguration()
    change(&configuration)
    let gateway = LwM2MGateway(broker: broker, server: server, configuration: configuration, logger: logger)
    let port = try await server.bind().port
    _ = try await gateway.bind()
    server.serve()
    await gateway.serve()
    let bench = GatewayBench(
        broker: broker, clock: clock, server: server, gateway: gateway, port: port,
        subscriber: try Subscriber(broker: broker))
    do {
        try await body(bench)
    } catch {
        await gateway.stop()
        await server.stop()
        throw error
    }
    await gateway.stop()
    await server.stop()
}
