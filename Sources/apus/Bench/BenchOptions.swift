import ArgumentParser
import LoadGenerator
import MQTTCodec

/// Which broker to measure, with which messages, for how long.
struct BenchOptions: ParsableArguments {
    @Option(name: [.customShort("h"), .long], help: "Host of the broker.")
    var host = "127.0.0.1"

    @Option(name: .shortAndLong, help: "Port of the broker.")
    var port = 1883

    @Option(name: [.customShort("u"), .long], help: "User name.")
    var username: String?

    @Option(name: [.customShort("P"), .customLong("pw")], help: "Password.")
    var password: String?

    @Option(name: [.customShort("V"), .customLong("protocol-version")], help: "MQTT version: 3.1.1 or 5.")
    var version = ClientVersion.v5

    @Option(help: "The broker's process on this machine, to measure its processor time and memory.")
    var pid: Int32?

    @Option(help: "Octets of each payload: 24 to 65536.")
    var size = 64

    @Option(name: .shortAndLong, help: "Seconds to measure.")
    var duration = 5.0

    @Option(help: "Seconds of load before measuring.")
    var warmUp = 1.0

    @Option(name: .shortAndLong, help: "Send and measure this many messages instead, all of them.")
    var messages: Int?

    @Option(help: "First level of all topics, and beginning of all client ids.")
    var prefix = "bench"

    @Option(help: "Seconds without anything from the broker after which a run gives up.")
    var patience = 15.0

    @Option(help: "Write the figures as JSON to this file, too; - for standard output.")
    var json: String?

    func validate() throws {
        guard (1...65_535).contains(port) else { throw ValidationError("-p takes a port from 1 to 65535.") }
        guard (24...65_536).contains(size) else { throw ValidationError("--size takes 24 to 65536 octets.") }
        guard duration > 0, warmUp >= 0, patience > 0, duration + warmUp + patience < 1e6 else {
            throw ValidationError("-d and --patience take seconds above 0, --warm-up 0 or more.")
        }
        guard messages.map({ $0 > 0 }) ?? true else { throw ValidationError("-m takes a number above 0.") }
        guard !prefix.isEmpty, !prefix.contains(where: { "+#{}".contains($0) }) else {
            throw ValidationError("--prefix takes the beginning of a topic, without + # { }.")
        }
    }

    /// - Throws: `LoadError.noProcess`.
    func settings(qos: Int = 0) throws(LoadError) -> LoadSettings {
        var settings = LoadSettings()
        settings.host = host
        settings.port = port
        settings.userName = username
        settings.password = password
        settings.version = version.protocolVersion
        settings.qos = MQTTCodec.QoS(qosNumber: qos) ?? .atMostOnce
        settings.payloadOctets = size
        settings.prefix = prefix
        settings.patience = .seconds(patience)
        settings.extent =
            messages.map { .messages($0) } ?? .time(warmUp: .seconds(warmUp), measured: .seconds(duration))
        if let pid { settings.broker = try BrokerProcess(pid) }
        return settings
    }
}

/// How publishers and subscribers are driven.
struct FlowOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "Quality of service: 0, 1 or 2.")
    var qos = 0

    @Option(name: .shortAndLong, help: "Messages each publisher keeps on the way: 1 to 65535.")
    var window = 100

    func validate() throws {
        guard (0...2).contains(qos) else { throw ValidationError("-q takes 0, 1 or 2.") }
        guard (1...65_535).contains(window) else { throw ValidationError("-w takes 1 to 65535.") }
    }
}

/// A number of clients or whatever else a scenario counts.
func requireCount(_ count: Int, upTo limit: Int) throws {
    guard (1...limit).contains(count) else { throw ValidationError("-n takes 1 to \(limit).") }
}
