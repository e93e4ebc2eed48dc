import LoadGenerator
import MQTTCodec
import TestKit

extension RunningApus {
    /// Publishers and subscribers for a while, every message checked. Subscribers 2k and 2k + 1 both receive the publishers 2k and
    /// 2k + 1: every message has two receivers.
    func load(qos: QoS, pairs: Int, for duration: Duration) async throws -> RunResult {
        var settings = LoadSettings()
        settings.port = try port("mqtt.tcp")
        settings.qos = qos
        settings.extent = .time(warmUp: .zero, measured: duration)
        let topology = Topology(
            publishers: (0..<pairs).map { "load/\(qos.rawValue)/\($0)" },
            subscribers: (0..<pairs).map { number in
                let first = number / 2 * 2
                return Topology.Subscriber(
                    filters: [first, first + 1].map { "load/\(qos.rawValue)/\($0)" }, streams: first..<(first + 2))
            })
        return try await LoadGenerator(settings).flow("load", topology, count: pairs, window: 16)
    }
}
