import NIOCore
import Testing

@testable import MQTTSN

@Suite("Endpoint")
struct EndpointTests {
    @Test(arguments: [("127.0.0.1", 1), ("192.0.2.255", 65_535), ("::1", 1_884), ("2001:db8::1:2", 5)])
    func isTheAddressItWasMadeOf(host: String, port: Int) throws {
        let address = try SocketAddress(ipAddress: host, port: port)
        #expect(Endpoint(address).socketAddress == address)
        #expect(Endpoint(address).isSameHost(as: Endpoint(try SocketAddress(ipAddress: host, port: 7))))
        #expect(!Endpoint(address).isSameHost(as: Endpoint(try SocketAddress(ipAddress: "192.0.2.1", port: port))))
    }
}

@Suite("PagedArray")
struct PagedArrayTests {
    @Test func isAnArray() {
        var paged = PagedArray<Int>()
        for number in 0..<1_000 { paged.append(number) }
        for place in paged.indices where place % 3 == 0 { paged[place] = -place }
        #expect(paged.count == 1_000)
        #expect(paged.indices.map { paged[$0] } == (0..<1_000).map { $0 % 3 == 0 ? -$0 : $0 })
    }
}
