import Glibc
import Messaging
import NIOCore
import TestKit
import Testing

@testable import MQTTSN

@Suite("SourceLimiter")
struct SourceLimiterTests {
    @Test func aHostHasABurstAndThenItsRate() throws {
        var limiter = SourceLimiter(perSecond: 10, burst: 20)
        let host = try #require(HostAddress(numeric: "192.0.2.1"))
        let other = try #require(HostAddress(numeric: "2001:db8::1"))
        let start = Timestamp(nanoseconds: 5)
        func admitted(_ host: HostAddress, after seconds: Int) -> Int {
            (0..<30).count { _ in limiter.allows(host, now: start + .seconds(seconds)) }
        }
        let counts = [
            admitted(host, after: 0), admitted(other, after: 0), admitted(host, after: 1), admitted(host, after: 100),
        ]
        #expect(counts == [20, 20, 10, 20])
    }

    @Test func hostsThereIsNoRoomForShareOneBucket() throws {
        var limiter = SourceLimiter(perSecond: 1, burst: 1, capacity: 1)
        let hosts = (1...3).compactMap { HostAddress(numeric: "192.0.2.\($0)") }
        let start = Timestamp(nanoseconds: 0)
        let admitted = hosts.map { limiter.allows($0, now: start) }
        #expect(admitted == [true, true, false])
        let admittedLater = limiter.allows(hosts[2], now: start + .seconds(1))
        #expect(admittedLater)
    }

    @Test func zeroIsNoLimit() throws {
        var limiter = SourceLimiter(perSecond: 0, burst: 0)
        let host = try #require(HostAddress(numeric: "192.0.2.1"))
        let admitted = (0..<10_000).count { _ in limiter.allows(host, now: Timestamp(nanoseconds: 0)) }
        #expect(admitted == 10_000)
    }
}

@Suite("ClientPattern")
struct ClientPatternTests {
    @Test(
        arguments: [
            ("*", "", true), ("a", "a", true), ("a", "ab", false), ("a*", "a", true), ("a*", "ba", false),
            ("*a", "bca", true), ("a*a", "a", false), ("a*b*c", "a-b-b-c", true), ("a*b*c", "a-c-b", false),
            ("**", "x", true), ("a*aa*a", "aaa", false), ("a*aa*a", "aaaa", true),
        ])
    func matches(pattern: String, clientID: String, expected: Bool) {
        #expect(ClientPattern(pattern).matches(clientID) == expected)
    }

    @Test func theMoreTellingPatternDecides() {
        let table = ClientTable(["*": 1, "node-*": 2, "node-7": 3])
        #expect(table.first(for: "other") == 1)
        #expect(table.first(for: "node-1") == 2)
        #expect(table.first(for: "node-7") == 3)
        #expect(table.all(for: "node-7") == [3, 2, 1])
    }
}

@Suite("Discovery")
struct DiscoveryTests {
    @Test("70: a search sent to the multicast group is answered") func searchInAGroup() async throws {
        var settings = MQTTSNSettings.quiet
        settings.address = "0.0.0.0"
        settings.discoveryGroup = "239.255.77.1"
        settings.discoveryInterface = "lo"
        try await SocketStage.with(settings) { stage in
            let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
            defer { close(descriptor) }
            var interface = inet_addr("127.0.0.1")
            let size = socklen_t(MemoryLayout.size(ofValue: interface))
            #expect(setsockopt(descriptor, CInt(IPPROTO_IP), IP_MULTICAST_IF, &interface, size) == 0)
            let group = try SocketAddress(ipAddress: "239.255.77.1", port: stage.port)
            let search: [UInt8] = [0x03, 0x01, 0x00]
            let sent = group.withSockAddr { sendto(descriptor, search, search.count, 0, $0, socklen_t($1)) }
            #expect(sent == search.count)
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            #expect(poll(&request, 1, 10_000) == 1)
            var answer = [UInt8](repeating: 0, count: 16)
            let length = recv(descriptor, &answer, answer.count, CInt(MSG_DONTWAIT))
            #expect(Array(answer.prefix(max(0, length))) == [0x03, 0x02, 0x01])
        }
    }

    @Test func anIPv6GroupIsJoined() throws {
        let socket = try DatagramSocket.open(address: "::", port: 0, listener: "test")
        defer { socket.close() }
        #expect(throws: Never.self) { try socket.join("ff12::77", interface: "lo", listener: "test") }
    }

    @Test(arguments: [("239.255.77.1", "nowhere"), ("192.0.2.1", "lo"), ("ff12::77", "lo"), ("somewhere", "lo")])
    func whatIsNoGroupOrInterfaceOfTheListenerIsRefused(group: String, interface: String) throws {
        let socket = try DatagramSocket.open(address: "0.0.0.0", port: 0, listener: "test")
        defer { socket.close() }
        #expect(throws: BindError.self) { try socket.join(group, interface: interface, listener: "test") }
    }
}
