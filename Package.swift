// swift-tools-version: 6.2
import PackageDescription

/// One list for every target, so that no target is laxer than its neighbour.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
    // A tenth to a quarter of the instructions of a message (Tests/Cost). The compiler does this only for what is public, and so
    // are Messaging and MQTTCodec, whose values all others handle.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

extension Target.Dependency {
    static let nioCore: Self = .product(name: "NIOCore", package: "swift-nio")
    static let nioPosix: Self = .product(name: "NIOPosix", package: "swift-nio")
    static let nioHTTP1: Self = .product(name: "NIOHTTP1", package: "swift-nio")
    static let nioWebSocket: Self = .product(name: "NIOWebSocket", package: "swift-nio")
    static let nioTLS: Self = .product(name: "NIOTLS", package: "swift-nio")
    static let nioSSL: Self = .product(name: "NIOSSL", package: "swift-nio-ssl")
    static let nioEmbedded: Self = .product(name: "NIOEmbedded", package: "swift-nio")
    static let deque: Self = .product(name: "DequeModule", package: "swift-collections")
    static let heap: Self = .product(name: "HeapModule", package: "swift-collections")
    static let logging: Self = .product(name: "Logging", package: "swift-log")
    static let yams: Self = .product(name: "Yams", package: "Yams")
    static let hummingbird: Self = .product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore: Self = .product(name: "HummingbirdCore", package: "hummingbird")
    static let httpTypes: Self = .product(name: "HTTPTypes", package: "swift-http-types")
    static let nioHTTPTypes: Self = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
    static let argumentParser: Self = .product(name: "ArgumentParser", package: "swift-argument-parser")
}

let package = Package(
    name: "apus",
    products: [
        .executable(name: "apus", targets: ["apus"]),
        // Only for tests, which load it into the program.
        .library(name: "PowerLoss", type: .dynamic, targets: ["PowerLoss"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        // Without its traits it brings no swift-configuration along.
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1", traits: []),
        // Both are Hummingbird's own: the types of the requests that it hands out.
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.34.1"),
    ],
    targets: [
        // Values all protocols share, and the ports between adapters, core and stores.
        .target(name: "Messaging", dependencies: ["CRuntime", .deque]),
        // Of Swift's runtime: counting many references at once.
        .systemLibrary(name: "CRuntime"),
        // What Swift's Glibc module leaves out: epoll, mremap, prefetching.
        .systemLibrary(name: "CLinux"),
        // Sessions, routing, retained messages, wills, expiry, accounting: implements the Broker port.
        .target(name: "BrokerCore", dependencies: ["CLinux", "Messaging", .deque]),
        // The C interface of SQLite (Debian libsqlite3-dev).
        .systemLibrary(
            name: "CSQLite", path: "Sources/CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        // The Store port on SQLite.
        .target(name: "Storage", dependencies: ["CSQLite", "Messaging", .deque, .logging]),
        // Bytes <-> one Packet enum for MQTT 3.1, 3.1.1 and 5.0.
        .target(name: "MQTTCodec", dependencies: [.nioCore]),
        // The C interface of OpenSSL's libcrypto (Debian libssl-dev).
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        // The C interface of OpenSSL's libssl (Debian libssl-dev), for DTLS.
        .systemLibrary(name: "CSSL", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
        // Listener plumbing shared by protocols: addresses, binding, TLS, DTLS, WebSocket, the PROXY protocol.
        .target(
            name: "Transport",
            dependencies: [
                "CCrypto", "CSSL", .nioCore, .nioPosix, .nioHTTP1, .nioWebSocket, .nioTLS, .nioSSL, .heap,
            ]),
        // Who may enter and what they may do: password and ACL files in Mosquitto's formats.
        .target(name: "Access", dependencies: ["CCrypto", "Messaging"]),
        // MQTT connections over TCP, TLS, WebSocket and unix sockets.
        .target(
            name: "MQTTServer",
            dependencies: ["Messaging", "MQTTCodec", "Transport", .nioCore, .nioPosix, .deque, .logging]),
        // Strict YAML + environment + --set -> Decodable; knows no feature.
        .target(name: "Settings", dependencies: [.yams]),
        // Metrics, $SYS topics, log bootstrap.
        .target(name: "Telemetry", dependencies: ["Messaging", .nioCore, .logging]),
        // The operators' interface over HTTP: metrics and health.
        .target(
            name: "Admin",
            dependencies: [
                "Messaging", "Transport", .nioCore, .nioPosix, .logging, .hummingbird, .hummingbirdCore, .httpTypes,
                .nioHTTPTypes,
            ]),
        // The C interface of libcoap (Debian libcoap3-dev).
        .systemLibrary(
            name: "CLibCoAP", path: "Gateways/CLibCoAP", pkgConfig: "libcoap-3-openssl",
            providers: [.apt(["libcoap3-dev"])]),
        // CoAP publish/subscribe, and the CoAP server that LwM2M rides on.
        .target(
            name: "CoAP", dependencies: ["CLibCoAP", "Messaging", "Transport", .deque, .logging],
            path: "Gateways/CoAP", exclude: ["README.md"]),
        // LwM2M devices as topics.
        .target(
            name: "LwM2M", dependencies: ["CoAP", "Messaging", "Transport", .deque, .logging],
            path: "Gateways/LwM2M", exclude: ["README.md"]),
        // MQTT-SN 1.2 over UDP and DTLS.
        .target(
            name: "MQTTSN",
            dependencies: ["Messaging", "Transport", .nioCore, .nioPosix, .deque, .logging],
            path: "Gateways/MQTTSN", exclude: ["README.md"]),
        // The program's allocator: jemalloc (Debian libjemalloc-dev).
        .target(name: "CAllocator", exclude: ["README.md"], linkerSettings: [.linkedLibrary("jemalloc")]),
        // Many clients against one broker, every message numbered and checked: `apus bench` and tests.
        .target(name: "LoadGenerator", dependencies: ["CLinux", "MQTTCodec", .nioCore]),
        // Composition root and command line.
        .executableTarget(
            name: "apus",
            dependencies: [
                "Access", "Admin", "CAllocator", "Messaging", "BrokerCore", "MQTTCodec", "MQTTServer", "Transport",
                "Settings",
                "Storage", "Telemetry",
                "CoAP", "LwM2M", "MQTTSN", "LoadGenerator", .nioCore, .nioPosix, .logging, .argumentParser,
            ]),
        // Manual clock, fake broker, fixtures, simulated devices.
        .target(
            name: "TestKit", dependencies: ["CSSL", "Messaging", .nioCore, .nioPosix, .deque], path: "Tests/TestKit",
            exclude: ["README.md", "certificates.sh", "gateway.sh"]),
        // What must hold for any input from strangers; shared by the fuzzer and its short form among the tests.
        .target(
            name: "FuzzProperties", dependencies: ["MQTTCodec", "Transport", "TestKit", .nioCore, .nioEmbedded],
            path: "Tests/Fuzz/Properties"),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzProperties", "TestKit"]),
        // What hot paths cost, for callgrind to count.
        .executableTarget(
            name: "cost", dependencies: ["BrokerCore", "Messaging", "MQTTCodec", .nioCore], path: "Tests/Cost",
            exclude: ["README.md"]),
        .testTarget(name: "CostTests", dependencies: ["TestKit"]),
        .testTarget(name: "MessagingTests", dependencies: ["Messaging", "TestKit"]),
        .testTarget(name: "BrokerCoreTests", dependencies: ["BrokerCore", "Messaging", "TestKit"]),
        .testTarget(
            name: "StorageTests", dependencies: ["Storage", "CSQLite", "BrokerCore", "Messaging", "TestKit", .logging]),
        .testTarget(name: "AccessTests", dependencies: ["Access", "Messaging", "TestKit"]),
        .testTarget(name: "MQTTCodecTests", dependencies: ["MQTTCodec", "TestKit", .nioCore]),
        .testTarget(
            name: "MQTTServerTests",
            dependencies: [
                "MQTTServer", "MQTTCodec", "Messaging", "Transport", "TestKit", .nioCore, .nioEmbedded, .logging,
            ]),
        .testTarget(
            name: "TransportTests",
            dependencies: [
                "Transport", "TestKit", .nioCore, .nioPosix, .nioEmbedded, .nioHTTP1, .nioWebSocket, .nioSSL,
            ]),
        .testTarget(name: "SettingsTests", dependencies: ["Settings", "TestKit"]),
        .testTarget(name: "TelemetryTests", dependencies: ["Telemetry", "Messaging", "TestKit", .nioPosix, .logging]),
        .testTarget(name: "AdminTests", dependencies: ["Admin", "Messaging", "TestKit", .logging]),
        .testTarget(name: "CoAPTests", dependencies: ["CoAP", "Messaging", "TestKit"]),
        .testTarget(name: "LwM2MTests", dependencies: ["LwM2M", "CoAP", "Messaging", "TestKit"]),
        .testTarget(
            name: "MQTTSNTests",
            dependencies: [
                "MQTTSN", "BrokerCore", "Messaging", "Transport", "TestKit", .nioCore, .nioPosix, .nioEmbedded,
                .logging,
            ]),
        .testTarget(name: "LoadGeneratorTests", dependencies: ["LoadGenerator", "MQTTCodec", .nioCore]),
        // The built binary against real clients.
        .testTarget(
            name: "EndToEndTests", dependencies: ["TestKit", "LoadGenerator", "MQTTCodec", .nioCore],
            exclude: ["Clients"]),
        // A loss of power, simulated for a program it is loaded into (LD_PRELOAD).
        .target(name: "PowerLoss", path: "Tests/PowerLoss"),
        // The built binary killed again and again.
        .testTarget(
            name: "ChaosTests", dependencies: ["TestKit", "LoadGenerator", "MQTTCodec", .nioCore, .nioPosix, .deque]),
    ],
    swiftLanguageModes: [.v6]
)

// Only `make fuzz` builds the fuzzer: everything has to be compiled for it.
if Context.environment["APUS_FUZZ"] != nil {
    package.targets += [
        .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(name: "fuzz", dependencies: ["CFuzzer", "FuzzProperties"], path: "Tests/Fuzz/Harness"),
    ]
}

for target in package.targets where target.type != .system {
    target.swiftSettings = strict
    if target.path == nil { target.exclude.append("README.md") }
}
