import Foundation
import Glibc
import LoadGenerator
import Synchronization

/// A broker started to be measured: a process of its own, a port the system chose, an empty folder for its data.
final class MeasuredBroker {
    enum Kind: String, CaseIterable, Codable {
        case mosquitto = "Mosquitto"
        /// What does the least a broker has to do; started as Mosquitto is.
        case floor = "Floor"
        case apus = "Apus"
    }

    struct CannotStart: Error {
        var sentence: String
    }

    let kind: Kind
    /// Of MQTT over TCP; Apus has MQTT-SN on the UDP port of the same number.
    let port: Int
    /// From its start until it took a connection.
    private(set) var startTime = Duration.zero
    private let process: Process
    private let directory: URL

    /// Starts it and waits until it takes connections.
    /// - Parameters:
    ///   - takesMQTTSN: Apus listens on the UDP port of that number, too.
    ///   - keepsMessages: QoS 1 and 2 for durable sessions are stored: Apus with durability disk, Mosquitto with persistence.
    ///   - program: path of Mosquitto's broker, or of the floor; Apus is the running program itself.
    ///   - lines: more of Mosquitto's configuration.
    init(_ kind: Kind, takesMQTTSN: Bool, keepsMessages: Bool, peer program: String, lines: [String] = []) throws {
        self.kind = kind
        port = try Self.freePort()
        directory = FileManager.default.temporaryDirectory.appending(path: "apus-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        process = Process()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        switch kind {
        case .apus:
            process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
            process.arguments = Self.apusArguments(
                port: port, takesMQTTSN: takesMQTTSN, directory: directory, keepsMessages: keepsMessages)
            // Settings of whoever runs the measurement are not measured.
            process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("APUS_") }
        case .mosquitto, .floor:
            process.executableURL = URL(filePath: program)
            process.arguments = [
                "-c",
                try Self.mosquittoConfiguration(
                    port: port, directory: directory, keepsMessages: keepsMessages, lines: lines),
            ]
        }
        let begin = ContinuousClock.now
        try Self.startUnmasked(process)
        let (identifier, folder) = (process.processIdentifier, directory)
        Self.running.withLock { $0[identifier] = folder }
        // Whoever fails from here on is stopped by `deinit`.
        try Self.awaitListener(port, of: process)
        startTime = ContinuousClock.now - begin
    }

    deinit { stop() }

    var processIdentifier: Int32 { process.processIdentifier }

    func stop() {
        if process.isRunning {
            process.terminate()
            process.waitUntilExit()
        }
        Self.running.withLock { $0[processIdentifier] = nil }
        try? FileManager.default.removeItem(at: directory)
    }

    // MARK: Processes

    /// Process and folder of each broker that runs.
    private static let running = Mutex<[Int32: URL]>([:])

    /// For an end in the middle of everything: a child is in a process group of its own and does not hear Ctrl-C.
    static func stopAll() {
        for (identifier, directory) in running.withLock({ $0 }) {
            kill(identifier, SIGKILL)
            try? FileManager.default.removeItem(at: directory)
        }
    }

    /// Threads that run Swift's tasks block signals, and a child would inherit that; a broker is to hear SIGTERM.
    private static func startUnmasked(_ process: Process) throws {
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        do {
            try process.run()
        } catch {
            throw CannotStart(sentence: "\(process.executableURL?.path ?? "") cannot be started: is it installed?")
        }
    }

    // MARK: Settings

    /// Limits that the load would meet are out of its way, and what is not measured is off; all else is as it comes.
    private static func apusArguments(
        port: Int, takesMQTTSN: Bool, directory: URL, keepsMessages: Bool
    ) -> [String] {
        let settings = [
            "mqtt.tcp.port=\(port)", "mqtt.ws.enabled=false", "mqttsn.udp.enabled=\(takesMQTTSN)",
            "mqttsn.udp.port=\(port)", "mqttsn.strangers_per_second=0", "coap.udp.enabled=false",
            "lwm2m.enabled=false", "admin.http.enabled=false", "data_dir=\(directory.path)",
            "limits.mailbox.offline_messages=1000000",
            "store.durability=\(keepsMessages ? "disk" : "memory")",
        ]
        return ["serve"] + settings.flatMap { ["--set", $0] }
    }

    private static func mosquittoConfiguration(
        port: Int, directory: URL, keepsMessages: Bool, lines: [String]
    ) throws -> String {
        let file = directory.appending(path: "mosquitto.conf")
        let text = """
            listener \(port) 127.0.0.1
            allow_anonymous true
            max_inflight_messages 0
            max_queued_messages 0
            persistence \(keepsMessages)
            persistence_location \(directory.path)/
            user \(NSUserName())
            log_dest none
            \(lines.joined(separator: "\n"))

            """
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    // MARK: The port

    /// A port that nobody used a moment ago, neither for TCP nor for UDP.
    private static func freePort() throws -> Int {
        for _ in 0..<100 {
            if let port = bound(SOCK_STREAM, port: 0), bound(SOCK_DGRAM, port: port) != nil { return Int(port) }
        }
        throw CannotStart(sentence: "no free port on 127.0.0.1")
    }

    /// Binds a socket for a moment.
    /// - Parameter port: 0 for any.
    /// - Returns: its port; nil when it is taken.
    private static func bound(_ type: __socket_type, port: UInt16) -> UInt16? {
        let descriptor = socket(AF_INET, Int32(type.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 ? getsockname(descriptor, pointer, &length) : -1
            }
        }
        return result == 0 ? UInt16(bigEndian: address.sin_port) : nil
    }

    /// Tries to connect every few milliseconds: neither broker says in the same way that it is ready.
    private static func awaitListener(_ port: Int, of process: Process) throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while !LoadGenerator.isListening(port: port) {
            guard process.isRunning, ContinuousClock.now < deadline else {
                throw CannotStart(sentence: "\(process.executableURL?.path ?? "") started, but does not listen")
            }
            usleep(2_000)
        }
    }
}
