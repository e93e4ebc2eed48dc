import Access
import Admin
import BrokerCore
import CAllocator
import CoAP
import Logging
import LwM2M
import MQTTSN
import MQTTServer
import Messaging
import NIOPosix
import Settings
import Storage
import Telemetry
import Transport

/// The composition root: makes every part from the settings and joins them.
struct Assembly: Sendable {
    let service: Service
    let broker: CoreBroker
    /// Nil when nothing is kept.
    private let store: SQLiteStore?
    private let sysPublisher: SysPublisher
    let access: FileAccess
    /// The files of listeners that speak TLS or DTLS, by their names.
    let tls: [String: any TLSFiles]
    private let loopDelays: LoopDelayProbe

    /// - Throws: `StoreError` when the store cannot be opened.
    init(_ configuration: Configuration) throws {
        let settings = configuration.settings
        let eventLog = EventLog(logger: Logger(label: "apus.core"))
        let access = try configuration.access()
        let store = try configuration.storeOptions().map {
            try SQLiteStore($0, logger: Logger(label: "apus.store"))
        }
        let broker = try CoreBroker(
            limits: settings.limits.brokerLimits, predefinedTopics: configuration.predefinedTopics(),
            features: configuration.features(),
            authenticator: access.authenticator ?? LoopbackAuthenticator(allowsAnonymous: settings.allowAnonymous),
            authorizer: access.authorizer ?? PermissiveAuthorizer(), events: eventLog, store: store,
            durability: configuration.durabilityPolicy())
        // What reading the store has left over, up to twice what stays, goes back to the system.
        allocator_give_back()
        let tls = try configuration.tlsServers()
        let dtls = try configuration.dtlsServer()
        let mqtt = settings.mqtt.configuration(tls: tls)
        let observatory = Observatory(
            broker: broker, store: store, events: eventLog,
            gateways: try Self.gateways(configuration, mqtt, dtls, broker: broker, events: eventLog))
        self.broker = broker
        self.store = store
        self.access = access
        var files: [String: any TLSFiles] = tls
        files["mqttsn.dtls"] = dtls
        self.tls = files
        loopDelays = observatory.loopDelays
        service = Service(
            gateways: observatory.gateways, admin: settings.admin.http.gateway(showing: observatory),
            phase: observatory.phase)
        sysPublisher = SysPublisher(
            broker: broker, version: Apus.version, interval: settings.sysInterval, snapshot: observatory.snapshotForSys)
    }

    /// One entry for each protocol.
    private static func gateways(
        _ configuration: Configuration, _ mqtt: MQTTConfiguration, _ dtls: DTLSServer?, broker: CoreBroker,
        events: any EventSink
    ) throws -> [any Gateway] {
        let settings = configuration.settings
        let group = MultiThreadedEventLoopGroup.singleton
        var gateways: [any Gateway] = []
        if !mqtt.listeners.isEmpty {
            gateways.append(
                MQTTGateway(
                    configuration: mqtt, broker: broker, group: group,
                    logger: Logger(label: "apus.mqtt")))
        }
        if settings.mqttsn.udp.enabled || dtls != nil {
            let gateway = settings.mqttsn.gatewaySettings(
                mailbox: settings.limits.brokerLimits.mailbox, clientTopics: try configuration.clientTopics(),
                dtlsServer: dtls)
            gateways.append(
                MQTTSNGateway(
                    broker: broker, settings: gateway, events: events, eventLoop: group.next(),
                    logger: Logger(label: "apus.mqttsn")))
        }
        if settings.coap.udp.enabled {
            gateways += coapGateways(settings, broker: broker)
        }
        return gateways
    }

    /// The two protocols on the CoAP port. LwM2M comes second, because a stop goes the other way round: devices are let go
    /// while their server still runs.
    private static func coapGateways(_ settings: ProductSettings, broker: CoreBroker) -> [any Gateway] {
        let logger = Logger(label: "apus.coap")
        let server = CoAPServer(
            configuration: settings.coap.configuration(settings.limits), clock: broker.clock, logger: logger)
        let coap = CoAPGateway(server: server, broker: broker, logger: logger)
        guard settings.lwm2m.enabled else { return [coap] }
        let lwm2m = LwM2MGateway(
            broker: broker, server: server, configuration: settings.lwm2m.configuration,
            logger: Logger(label: "apus.lwm2m"))
        return [coap, lwm2m]
    }

    /// What has to be done from time to time, until the task is cancelled.
    func beginChores(reloads: ReloadSignals) -> Task<Void, Never> {
        Task {
            await withTaskGroup { group in
                group.addTask { await sysPublisher.run() }
                group.addTask {
                    for await _ in reloads.heard { reload() }
                }
                group.addTask { await MemoryWatch.run(for: broker) }
                group.addTask { await MemoryWatch.giveBack() }
                group.addTask {
                    await CoreTicks.run {
                        broker.tick()
                        loopDelays.measure()
                    }
                }
            }
        }
    }

    /// Ends all sessions' connections with a goodbye, then the gateways, then the store. The core goes first, because it keeps
    /// the wills of clients that a stopping gateway cuts off.
    /// - Returns: false when `timeout` was not enough.
    func stop(within timeout: Duration) async -> Bool {
        service.beginStop()
        broker.stop()
        let isInTime = await service.stop(within: timeout)
        store?.close()
        return isInTime
    }
}
