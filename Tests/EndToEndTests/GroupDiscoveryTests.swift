import Foundation
import TestKit
import Testing

/// MQTT-SN's discovery where it is used, in an IPv6 group (Thread): in a network namespace, as a loopback carries no such groups.
@Suite struct GroupDiscoveryTests {
    private static let hasNamespaces: Bool = {
        let probe = Process()
        probe.executableURL = URL(filePath: "/usr/bin/unshare")
        probe.arguments = ["-rn", "ip", "link", "add", "sn0", "type", "veth", "peer", "name", "sn1"]
        probe.standardError = FileHandle.nullDevice
        guard (try? probe.run()) != nil else { return false }
        probe.waitUntilExit()
        return probe.terminationStatus == 0
    }()

    @Test(
        "70: in an IPv6 group ADVERTISE is heard and a search answered, from an address the node can connect to",
        .enabled(if: Self.hasNamespaces, "needs network namespaces: root, or a kernel that lets users make them"))
    func discoversInAnIPv6Group() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let script = "\(BuiltProducts.repository)/Tests/EndToEndTests/Clients/mqttsn_ipv6_group.py"
        let program = try Program("unshare", ["-rn", "python3", script, BuiltProducts.apus, folder.path])
        let status = try await program.exitStatus(within: .seconds(60))
        #expect(status == 0, "\(program.errorLines)")
        #expect(
            program.lines == [
                "ADVERTISE 0500010384 from a link-local address", "GWINFO 030201 from a link-local address",
                "CONNACK 030500", "status 0",
            ])
    }
}
