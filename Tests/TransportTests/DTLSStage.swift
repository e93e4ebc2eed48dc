import NIOCore
import TestKit

@testable import Transport

/// A `DTLSEndpoint` and one client, with a network between them that does what a test says to each datagram, and a clock moved
/// by hand.
final class DTLSStage {
    enum Fault: Sendable, CaseIterable {
        case lost, doubled, late
    }

    static let key: [UInt8] = Array(0..<16)
    let counters = DTLSCounters()
    let endpoint: DTLSEndpoint<TLSClientIdentity>
    var client: DTLSClient
    private(set) var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    /// Messages the endpoint has delivered, with whom they are from.
    private(set) var delivered: [(message: [UInt8], from: TLSClientIdentity)] = []
    /// What is to happen to the datagrams of the handshake, counted in both directions together.
    var faults: [Int: Fault] = [:]
    private(set) var datagrams = 0
    private(set) var octetsToClient = 0
    private(set) var octetsFromClient = 0
    private var held: (() -> Void)?
    private(set) var number: UInt64 = 0

    static func server(_ more: (inout TLSSettings) -> Void = { _ in }) throws -> DTLSServer {
        let file = try TemporaryFile("c1:000102030405060708090a0b0c0d0e0f\n")
        var settings = TLSSettings()
        settings.preSharedKeyFile = file.path
        more(&settings)
        return try DTLSServer(settings)
    }

    init(
        _ server: DTLSServer? = nil, limits: DTLSLimits = DTLSLimits(),
        client: DTLSClient = DTLSClient(.key(identity: "c1", DTLSStage.key))
    ) throws {
        self.client = client
        var last: (UInt64) -> Void = { _ in }
        endpoint = DTLSEndpoint(try server ?? Self.server(), limits: limits, counters: counters) { number, identity in
            last(number)
            return identity
        }
        last = { [unowned self] in number = $0 }
    }

    static func address(_ port: Int) -> SocketAddress {
        guard let address = try? SocketAddress(ipAddress: "192.0.2.1", port: port) else {
            preconditionFailure("numeric")
        }
        return address
    }

    /// The endpoint gets a datagram from another port.
    func receive(_ datagram: [UInt8], port: Int) -> [[UInt8]] {
        endpoint.receive(ByteBuffer(bytes: datagram), from: Self.address(port), to: nil, now: now) {
            message, identity in
            delivered.append((Array(message.readableBytesView), identity))
        }
        return endpoint.takeOutgoing().map { Array($0.1.readableBytesView) }
    }

    /// Both ClientHellos of a client, the second with its cookie.
    /// - Returns: what the second is answered with.
    func beginHandshake(_ client: DTLSClient, port: Int) -> [[UInt8]] {
        client.start()
        for hello in client.takeOutgoing() { receive(hello, port: port).forEach(client.receive) }
        return client.takeOutgoing().flatMap { receive($0, port: port) }
    }

    /// Carries datagrams to and fro until nothing is on the way.
    func exchange(port: Int = 1) {
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            for datagram in client.takeOutgoing() {
                isQuiet = false
                octetsFromClient += datagram.count
                carry { [unowned self] in
                    endpoint.receive(ByteBuffer(bytes: datagram), from: Self.address(port), to: nil, now: now) {
                        message, identity in
                        delivered.append((Array(message.readableBytesView), identity))
                    }
                }
            }
            for (_, datagram) in endpoint.takeOutgoing() {
                isQuiet = false
                octetsToClient += datagram.readableBytes
                carry { [unowned self] in client.receive(Array(datagram.readableBytesView)) }
            }
            if isQuiet, let late = held {
                held = nil
                late()
                isQuiet = false
            }
        }
    }

    private func carry(_ datagram: @escaping () -> Void) {
        defer { datagrams += 1 }
        switch faults[datagrams] {
        case .lost: return
        case .doubled:
            datagram()
            datagram()
        case .late:
            held = datagram
            return
        case nil: datagram()
        }
        held?()
        held = nil
    }

    /// The whole handshake, with repetitions of both sides where something was lost.
    func connect(port: Int = 1) {
        client.start()
        exchange(port: port)
        for _ in 0..<5 where !client.isEstablished && !client.hasFailed {
            wait(.seconds(2))
            client.repeatLost()
            exchange(port: port)
        }
    }

    func wait(_ time: TimeAmount) {
        let end = now + time
        while let next = endpoint.nextDeadline, next <= end {
            now = max(now, next)
            endpoint.runTimers(now: now)
        }
        now = end
        endpoint.runTimers(now: now)
    }
}
