import Foundation

/// The built program serving on ports the system chose.
package final class RunningApus: Sendable {
    private struct Entry: Decodable, Sendable {
        var name: String
        var address: String
        var port: Int
    }

    package let program: Program
    private let listeners: [Entry]
    private let directory: URL
    /// Where it keeps its store.
    package let dataDirectory: String

    /// Starts `apus serve` with every port 0 and a data folder of its own, and waits until all listeners serve.
    /// - Parameter dataDirectory: a folder to serve from instead, which is left when this is over.
    package init(
        _ settings: [String] = [], dataDirectory: String? = nil, environment: [String: String] = [:]
    ) async throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        self.dataDirectory = dataDirectory ?? "\(directory.path)/data"
        let readyFile = directory.appending(path: "ready.json")
        let chosen = [
            "mqtt.tcp.port=0", "mqtt.tls.port=0", "mqtt.ws.port=0", "mqtt.wss.port=0", "mqttsn.udp.port=0",
            "mqttsn.dtls.port=0", "coap.udp.port=0",
            "admin.http.port=0", "data_dir=\(self.dataDirectory)",
        ] + settings
        program = try Self.start(
            ["serve", "--ready-file", readyFile.path] + chosen.flatMap { ["--set", $0] }, environment: environment)
        // The banner is printed after the file is written.
        try await program.line { $0.hasPrefix("Stop with") }
        listeners = try JSONDecoder().decode([Entry].self, from: Data(contentsOf: readyFile))
    }

    deinit {
        try? FileManager.default.removeItem(at: directory)
    }

    /// Starts the built program with any arguments.
    package static func start(_ arguments: [String], environment: [String: String] = [:]) throws -> Program {
        try Program(BuiltProducts.apus, arguments, environment: environment)
    }

    /// The port of a listener by its name in the settings, e.g. `mqtt.tcp`, and its address where it has several.
    package func port(_ listener: String, at address: String? = nil) throws -> Int {
        guard let entry = listeners.first(where: { $0.name == listener && (address ?? $0.address) == $0.address })
        else {
            throw Program.Missing(description: "no listener \(listener); there are \(listeners.map(\.name))")
        }
        return entry.port
    }

    /// Asks it to stop and waits.
    /// - Returns: its exit status, 0 when all went well.
    package func stop() async throws -> Int32 {
        program.signal(SIGTERM)
        return try await program.exitStatus()
    }
}

/// Where the build puts things.
package enum BuiltProducts {
    /// The program: `TEST_BINARY` when it is set, else beside the running test bundle.
    package static var apus: String {
        ProcessInfo.processInfo.environment["TEST_BINARY"] ?? folder.appending(path: "apus").path
    }

    /// A shared library of the package.
    package static func library(_ name: String) -> String { folder.appending(path: "lib\(name).so").path }

    private static var folder: URL {
        let bundle =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(filePath: bundle).deletingLastPathComponent()
    }

    /// The top folder of the repository.
    package static var repository: String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .path
    }

    /// Python with the clients `make test` installs.
    package static var python: String { repository + "/.venv/bin/python" }
}
