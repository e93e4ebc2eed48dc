import Glibc

@testable import CoAP

/// A UDP socket that speaks to one server. Waits with a deadline, so that a missing answer is a failed test, not a hang.
final class DatagramClient {
    fileprivate let descriptor: Int32
    private(set) var lastID: UInt16 = 0
    private var heard: Set<UInt16> = []

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        guard descriptor >= 0, let address = SocketAddress(numeric: "127.0.0.1", port: UInt16(port)) else {
            throw SocketFailure()
        }
        guard address.withSocketAddress({ connect(descriptor, $0, $1) }) == 0 else { throw SocketFailure() }
    }

    deinit { close(descriptor) }

    struct SocketFailure: Error {}

    func nextID() -> UInt16 {
        lastID += 1
        return lastID
    }

    func send(_ octets: [UInt8]) { _ = Glibc.send(descriptor, octets, octets.count, 0) }

    func send(_ message: TestMessage) { send(message.octets) }

    /// The next datagram, or nil after `milliseconds`.
    func receive(within milliseconds: Int32 = 30_000) -> TestMessage? {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, milliseconds) == 1 else { return nil }
        var octets = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &octets, octets.count, 0)
        guard count > 0 else { return nil }
        return TestMessage(Array(octets.prefix(count)))
    }

    /// The next message that is no repetition of an earlier one (RFC 7252 4.5): what a device under test answers once, however
    /// long the machine keeps it from answering.
    func receiveNew() -> TestMessage? {
        while let message = receive() {
            if heard.insert(message.messageID).inserted { return message }
        }
        return nil
    }

    /// Sends a request with a fresh message id and returns what comes back first.
    func ask(
        _ method: CoAPMethod, _ path: String, kind: TestMessage.Kind = .con, token: [UInt8] = [1],
        queries: [String] = [],
        options: [TestMessage.Option] = [], payload: [UInt8] = []
    ) -> TestMessage? {
        send(
            .request(
                kind, method, path, id: nextID(), token: token, queries: queries, options: options, payload: payload))
        return receive()
    }

    func acknowledge(_ message: TestMessage) { send(TestMessage(.ack, 0, id: message.messageID)) }

    func reset(_ message: TestMessage) { send(TestMessage(.rst, 0, id: message.messageID)) }

    /// Whether the server still answers. Skips everything it had to say before, so it also is a fence.
    func isAlive() -> Bool {
        let id = nextID()
        send(.request(.con, .get, "nowhere", id: id, token: [0xFE]))
        while let message = receive() {
            if message.messageID == id, message.token == [0xFE] { return message.codeText == "4.04" }
        }
        return false
    }
}

extension DatagramClient {
    func localPort() throws -> Int {
        var storage = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        guard result == 0 else { throw SocketFailure() }
        return Int(UInt16(bigEndian: storage.sin_port))
    }
}
