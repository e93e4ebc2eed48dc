import Foundation
import Glibc

/// A plain socket to a listener on this machine, for octets no client would send. What arrives is collected by a thread.
package final class RawSocket: Sendable {
    package enum Transport: Sendable { case tcp, udp }

    package struct Received: Sendable {
        /// UDP: one entry for each datagram. TCP: one for each read.
        package var pieces: [[UInt8]] = []
        package var isClosed = false
        fileprivate var isLeft = false

        package var octets: [UInt8] { pieces.flatMap { $0 } }
    }

    private let descriptor: Int32
    package let received = Shared(Received())

    /// - Parameters:
    ///   - reads: false for a peer that never takes anything.
    ///   - keepsPieces: collect what arrives.
    ///   - answer: called with each piece, on the collecting thread; what it returns is sent at once.
    package init(
        _ transport: Transport, port: Int, reads: Bool = true, keepsPieces: Bool = true,
        answer: @escaping @Sendable ([UInt8]) -> [[UInt8]] = { _ in [] }
    ) throws {
        let kind = transport == .tcp ? SOCK_STREAM : SOCK_DGRAM
        descriptor = socket(AF_INET, Int32(kind.rawValue), 0)
        if !reads {
            // So that little fits between a peer that writes and one that does not read.
            var size: Int32 = 4_096
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard descriptor >= 0, result == 0 else {
            throw Program.Missing(description: "no \(transport) connection to port \(port): errno \(errno)")
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        if reads { collect(keepsPieces: keepsPieces, answer) } else { received.change { $0.isLeft = true } }
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))  // wakes the collecting thread
        Self.leave(descriptor, received)
    }

    /// Sends what the socket takes; a peer that has closed is not an error here.
    package func send(_ octets: [UInt8]) {
        Self.send(octets, descriptor)
    }

    /// - Returns: false when the peer has closed.
    @discardableResult
    private static func send(_ octets: [UInt8], _ descriptor: Int32) -> Bool {
        octets.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let bytes = UnsafeRawBufferPointer(rebasing: rest)
                let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }
    }

    /// Sends the same octets again and again on a thread of its own, as fast as the peer takes them.
    /// - Returns: how often they have been sent, at last `count`, or -1 when the peer has closed before.
    package func flood(_ octets: [UInt8], times count: Int) -> Shared<Int> {
        let progress = Shared(0)
        Thread.detachNewThread { [self] in
            for number in 1...count {
                let isSent = Self.send(octets, descriptor)
                progress.change { $0 = isSent ? number : -1 }
                guard isSent else { return }
            }
        }
        return progress
    }

    /// Waits until what has been received satisfies `condition`.
    @discardableResult
    package func wait<Result: Sendable>(
        within limit: Duration = .patience, for condition: @escaping @Sendable (Received) -> Result?
    ) async throws -> Result {
        guard let result = await received.wait(within: limit, until: condition) else {
            throw Program.Missing(
                description: "waited in vain on a socket; got \(received.read { $0.pieces.map { hex($0) } })")
        }
        return result
    }

    /// Forgets what was received so far.
    package func clear() {
        received.change { $0.pieces.removeAll() }
    }

    private func collect(keepsPieces: Bool, _ answer: @escaping @Sendable ([UInt8]) -> [[UInt8]]) {
        let (descriptor, received) = (descriptor, received)
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                // A UDP socket reports an ICMP refusal of an earlier datagram here; the next one may do better.
                if count < 0, errno == EINTR || errno == ECONNREFUSED { continue }
                guard count > 0 else { break }
                let piece = Array(buffer.prefix(count))
                for octets in answer(piece) { Self.send(octets, descriptor) }
                if keepsPieces { received.change { $0.pieces.append(piece) } }
            }
            received.change { $0.isClosed = true }
            Self.leave(descriptor, received)
        }
    }

    /// A TCP port nobody uses at this moment, for programs that cannot be told to choose one.
    package static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard result == 0 else { throw Program.Missing(description: "no free port: errno \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Owner and thread both use the descriptor; whoever is done last closes it.
    private static func leave(_ descriptor: Int32, _ received: Shared<Received>) {
        let isLast = received.change { state in
            defer { state.isLeft = true }
            return state.isLeft
        }
        if isLast { close(descriptor) }
    }
}
