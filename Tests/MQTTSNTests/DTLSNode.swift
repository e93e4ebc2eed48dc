import TestKit

/// A client behind a UDP socket that speaks DTLS.
final class DTLSNode {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let socket: UDPSocket
    private let client: DTLSClient
    private var taken = 0

    /// Shakes hands. Throws when that fails or takes longer than ten seconds without a datagram.
    init(_ credentials: DTLSClient.Credentials, port: Int, host: String = "127.0.0.1") throws {
        socket = try UDPSocket(host: host, gateway: port)
        client = DTLSClient(credentials)
        client.start()
        while !client.isEstablished {
            try flush()
            guard let datagram = try socket.receive() else { throw Failure(description: "no handshake") }
            client.receive(datagram)
            guard !client.hasFailed else { throw Failure(description: "the handshake failed") }
        }
        try flush()
    }

    /// Sends a message and waits for the next one of the gateway.
    func ask(_ message: [UInt8]) throws -> [UInt8] {
        try send(message)
        guard let answer = try receive() else { throw Failure(description: "no answer to \(hex(message))") }
        return answer
    }

    func send(_ message: [UInt8]) throws {
        client.send(message)
        try flush()
    }

    /// Nil when the gateway has said goodbye or nothing.
    func receive() throws -> [UInt8]? {
        while client.received.count == taken, !client.isClosed {
            guard let datagram = try socket.receive() else { return nil }
            client.receive(datagram)
        }
        guard client.received.count > taken else { return nil }
        taken += 1
        return client.received[taken - 1]
    }

    /// The gateway has closed the session; waits for its word.
    func isClosed() throws -> Bool {
        _ = try receive()
        return client.isClosed
    }

    private func flush() throws {
        for datagram in client.takeOutgoing() { try socket.send(datagram) }
    }
}
