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

/// What is remembered of a client does not keep alive the buffer its datagram was read into.
@Suite("Slices")
struct SliceTests {
    private func slice(_ octets: [UInt8]) -> ByteBuffer {
        var read = ByteBuffer(repeating: 0, count: 65_536)
        read.setBytes(octets, at: 1_000)
        return read.getSlice(at: 1_000, length: octets.count) ?? ByteBuffer()
    }

    @Test func aNodeIDIsACopy() throws {
        let remote = try SocketAddress(ipAddress: "192.0.2.1", port: 1_884)
        let peer = PeerAddress(remote: remote, nodeID: slice([1, 2, 3]))
        #expect(peer.nodeID == ByteBuffer(bytes: [1, 2, 3]))
        #expect(peer.nodeID?.storageCapacity ?? .max < 100)
    }

    @Test func theTermsOfADraftHaveNeitherWillNorSecret() {
        var connect = Packet.ConnectDraft(
            cleanStart: true, messageID: 1, keepAlive: 60, maximumPacketSize: 0, clientID: "c")
        connect.will = Packet.ConnectDraft.Will(topic: .name("w"), qos: .atMostOnce, retain: false, payload: slice([1]))
        connect.authentication = Packet.Authentication(method: "m", data: slice([2]))
        let terms = DraftTerms(connect, assignedClientID: nil, will: nil)
        #expect(terms.connect.will == nil)
        #expect(terms.connect.authentication == Packet.Authentication(method: "m", data: ByteBuffer()))
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
