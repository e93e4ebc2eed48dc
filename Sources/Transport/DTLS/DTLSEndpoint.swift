import HeapModule
package import NIOCore

/// All DTLS sessions of one UDP socket, without the socket: datagrams and the time come in, messages and datagrams go out.
/// Belongs to one event loop.
///
/// ```
///  datagram ─▶ known address? ── no, or a ClientHello that begins anew ─▶ the listening session: cookie asked or checked
///                    │ yes                                                        │ valid
///                    ▼                                                            ▼
///              its session ─▶ message, with the session's number ◀──── a session of its own, half open until Finished
/// ```
/// A session is known by a number, not by its address: who comes from an address later is somebody else. What comes from an
/// address before it has sent a cookie back is not remembered, and answered with less than it was.
///
/// `Client` is what the protocol above makes of a session, once, when its handshake is complete.
package final class DTLSEndpoint<Client> {
    private final class Session {
        let number: UInt64
        let connection: DTLSConnection
        /// Nil until the handshake is complete.
        var client: Client?
        /// The ClientHello it began with, to tell a repetition from a new beginning (RFC 6347, 4.2.8).
        let hello: Int
        let handshakeEnds: NIODeadline
        var local: NIOPacketInfo?
        var lastHeard: NIODeadline
        var retryAfter: TimeAmount
        var retryAt: NIODeadline

        init(
            _ number: UInt64, _ connection: DTLSConnection, hello: Int, local: NIOPacketInfo?, now: NIODeadline,
            _ limits: DTLSLimits
        ) {
            self.number = number
            self.connection = connection
            self.hello = hello
            self.local = local
            lastHeard = now
            handshakeEnds = now + limits.handshakeTimeout
            retryAfter = limits.firstRetry
            retryAt = now + limits.firstRetry
        }

        var isEstablished: Bool { connection.state == .established }

        /// Whether a datagram is for this session: anything but the ClientHello of a client that begins anew.
        func accepts(_ hello: Int?) -> Bool { hello == nil || hello == self.hello }
    }

    package let counters: DTLSCounters
    private let server: DTLSServer
    private let limits: DTLSLimits
    private let identify: (UInt64, TLSClientIdentity) -> Client
    private let cookies = DTLSCookie()
    /// Answers everybody who has no session. It becomes the session of who shows a valid cookie.
    private var listening: DTLSConnection?
    private var sessions: [UInt64: Session] = [:]
    private var numbers: [SocketAddress: UInt64] = [:]
    private var halfOpen = 0
    private var lastNumber: UInt64 = 0
    /// Promises to look, not facts.
    private var appointments = Heap<Appointment>()
    private var outbox: [(DTLSDestination, ByteBuffer)] = []

    /// - Parameter identify: makes a client of a session's number and what the handshake has proved.
    package init(
        _ server: DTLSServer, limits: DTLSLimits, counters: DTLSCounters,
        identify: @escaping (UInt64, TLSClientIdentity) -> Client
    ) {
        self.server = server
        self.identify = identify
        self.limits = limits
        self.counters = counters
    }

    /// When `runTimers` is next needed.
    package var nextDeadline: NIODeadline? { appointments.min?.time }

    /// Sessions, complete or not.
    package var count: Int { sessions.count }

    /// Whether an address has a session.
    package func knows(_ remote: SocketAddress) -> Bool { numbers[remote] != nil }

    // MARK: In

    /// Takes a datagram of the socket.
    /// - Parameter deliver: gets each message in it, with the client whose session it came by.
    package func receive(
        _ datagram: ByteBuffer, from remote: SocketAddress, to local: NIOPacketInfo?, now: NIODeadline,
        deliver: (ByteBuffer, Client) -> Void
    ) {
        let hello = datagram.clientHello
        guard let number = numbers[remote], let session = sessions[number], session.accepts(hello) else {
            guard let hello else { return counters.datagramsUnknown.add() }
            return greet(datagram, hello, from: remote, to: local, now: now)
        }
        session.local = local
        if hello == session.hello, !session.isEstablished { return resend(session) }
        session.connection.receive(datagram) { message in
            session.lastHeard = now
            noteEstablished(session, now: now)
            if let client = session.client { deliver(message, client) }
        }
        noteEstablished(session, now: now)
        finish(session, now: now)
    }

    /// A ClientHello of somebody who has no session, or wants another.
    private func greet(
        _ datagram: ByteBuffer, _ hello: Int, from remote: SocketAddress, to local: NIOPacketInfo?, now: NIODeadline
    ) {
        let connection = listener(for: remote)
        connection.receive(datagram) { _ in }
        guard connection.state != .listening else {
            counters.cookiesAsked.add()
            return send(connection.takeOutgoing(), to: DTLSDestination(remote: remote, local: local))
        }
        listening = nil
        if let earlier = numbers[remote].flatMap({ sessions[$0] }) { forget(earlier) }
        guard sessions.count < limits.sessions, halfOpen < limits.handshakes else {
            // Nothing is said: the client asks again by itself, and there may be room then.
            return counters.handshakesRefused.add()
        }
        lastNumber += 1
        let session = Session(lastNumber, connection, hello: hello, local: local, now: now, limits)
        sessions[session.number] = session
        numbers[remote] = session.number
        halfOpen += 1
        finish(session, now: now)
        if sessions[session.number] != nil { appointments.insert(Appointment(time: session.retryAt, number: session.number)) }
    }

    private func listener(for remote: SocketAddress) -> DTLSConnection {
        if let listening, listening.isOf(server.context) {
            listening.peer = remote
            return listening
        }
        let connection = DTLSConnection(
            server.context, cookies, peer: remote, maximumDatagram: limits.handshakeDatagram)
        listening = connection
        return connection
    }

    private func noteEstablished(_ session: Session, now: NIODeadline) {
        guard session.client == nil, session.isEstablished else { return }
        session.client = identify(session.number, session.connection.peerIdentity)
        session.lastHeard = now
        halfOpen -= 1
        counters.handshakes.add()
        if let idle = limits.idleTimeout {
            appointments.insert(Appointment(time: now + idle, number: session.number))
        }
    }

    /// Sends what a step has written, and lets go of a session that is over.
    private func finish(_ session: Session, now: NIODeadline) {
        let written = session.connection.takeOutgoing()
        if !written.isEmpty, session.connection.state == .handshaking {
            session.retryAfter = limits.firstRetry
            session.retryAt = now + session.retryAfter
        }
        send(written, to: destination(of: session))
        switch session.connection.state {
        case .failed:
            (session.client == nil ? counters.handshakesFailed : counters.sessionsFailed).add()
            forget(session)
        case .closed:
            counters.sessionsClosed.add()
            forget(session)
        default: break
        }
    }

    private func resend(_ session: Session) {
        counters.retransmissions.add()
        session.connection.resendFlight()
        send(session.connection.takeOutgoing(), to: destination(of: session))
    }

    private func forget(_ session: Session) {
        guard sessions.removeValue(forKey: session.number) != nil else { return }
        if session.client == nil { halfOpen -= 1 }
        if numbers[session.connection.peer] == session.number { numbers[session.connection.peer] = nil }
    }

    // MARK: Out

    /// Encrypts a message for a session.
    /// - Returns: false when there is no such session any more.
    package func send(_ message: ByteBuffer, to number: UInt64) -> Bool {
        guard let session = sessions[number], session.isEstablished else { return false }
        session.connection.send(message)
        send(session.connection.takeOutgoing(), to: destination(of: session))
        return true
    }

    /// What is to be sent, in order.
    package func takeOutgoing() -> [(DTLSDestination, ByteBuffer)] {
        defer { outbox.removeAll(keepingCapacity: true) }
        return outbox
    }

    /// Says goodbye to everybody.
    package func shutDown() {
        for session in sessions.values {
            session.connection.close()
            send(session.connection.takeOutgoing(), to: destination(of: session))
        }
        sessions = [:]
        numbers = [:]
        halfOpen = 0
        appointments = Heap()
    }

    private func send(_ datagrams: [ByteBuffer], to destination: DTLSDestination) {
        for datagram in datagrams { outbox.append((destination, datagram)) }
    }

    private func destination(of session: Session) -> DTLSDestination {
        DTLSDestination(remote: session.connection.peer, local: session.local)
    }

    // MARK: Time

    package func runTimers(now: NIODeadline) {
        while let next = appointments.min, next.time <= now {
            appointments.removeMin()
            guard let session = sessions[next.number] else { continue }
            if session.isEstablished {
                endIfIdle(session, now: now)
            } else {
                repeatHandshake(session, now: now)
            }
        }
    }

    private func endIfIdle(_ session: Session, now: NIODeadline) {
        guard let idle = limits.idleTimeout else { return }
        guard session.lastHeard + idle <= now else {
            return appointments.insert(Appointment(time: session.lastHeard + idle, number: session.number))
        }
        counters.sessionsIdle.add()
        session.connection.close()
        send(session.connection.takeOutgoing(), to: destination(of: session))
        forget(session)
    }

    private func repeatHandshake(_ session: Session, now: NIODeadline) {
        guard now < session.handshakeEnds else {
            counters.handshakesAbandoned.add()
            return forget(session)
        }
        if session.retryAt <= now {
            resend(session)
            session.retryAfter = min(session.retryAfter * 2, limits.longestRetry)
            session.retryAt = now + session.retryAfter
        }
        let next = min(session.retryAt, session.handshakeEnds)
        appointments.insert(Appointment(time: next, number: session.number))
    }
}

/// Where a datagram goes: the peer, and the address of ours it wrote to where that is not clear.
package struct DTLSDestination: Sendable {
    package let remote: SocketAddress
    package let local: NIOPacketInfo?
}

/// When to look at a session.
private struct Appointment: Comparable {
    let time: NIODeadline
    let number: UInt64
    static func < (left: Self, right: Self) -> Bool { (left.time, left.number) < (right.time, right.number) }
}

extension ByteBuffer {
    /// A digest of the ClientHello this datagram begins with, the same for its repetitions; nil for any other datagram.
    /// Record header: type 22, epoch 0 at octets 3 and 4; then the message's type, 1 (RFC 6347, 4.1, 4.2.2).
    fileprivate var clientHello: Int? {
        guard getInteger(at: readerIndex, as: UInt8.self) == 22, getInteger(at: readerIndex + 3, as: UInt16.self) == 0,
            getInteger(at: readerIndex + DTLSConnection.recordHeader, as: UInt8.self) == 1
        else { return nil }
        return withUnsafeReadableBytes { octets in
            var hasher = Hasher()
            hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: octets.dropFirst(DTLSConnection.recordHeader)))
            return hasher.finalize()
        }
    }
}
