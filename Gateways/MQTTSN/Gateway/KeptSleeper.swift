import NIOCore
import Transport

/// A sleeping client as it is kept beyond the end of the process: its CONNECT, from where it was heard last, and for how long it sleeps.
/// Its deadline, will and messages are the core's.
struct KeptSleeper: Equatable {
    let connect: Packet.Connect
    /// Of a client of 2.0, without what it proved itself with and without will; nil for one of 1.2.
    let draft: Packet.ConnectDraft?
    /// Seconds.
    let sleepDuration: UInt16
    let peer: PeerAddress

    /// Numbers the DTLS sessions of a process that has ended: no living one has it.
    private static let endedAssociation: UInt64 = 0
    private static let format: UInt8 = 1
}

extension KeptSleeper {
    init(_ machine: ConnectionMachine, at peer: PeerAddress) {
        connect = machine.connect
        draft = machine.draft.map { terms in
            var draft = terms.connect
            draft.clientID = machine.connect.clientID
            draft.authentication = nil
            draft.will = nil
            return draft
        }
        sleepDuration = machine.sleepDuration
        self.peer = peer
    }

    // MARK: Writing

    var octets: [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeInteger(Self.format)
        buffer.writeInteger(sleepDuration)
        buffer.writeText(peer.remote.ipAddress ?? "")
        buffer.writeInteger(UInt16(clamping: peer.remote.port ?? 0))
        buffer.writeFlag(peer.nodeID != nil)
        if let nodeID = peer.nodeID { buffer.writePart(nodeID) }
        buffer.writeFlag(peer.forwarding == .v20)
        write(peer.association?.identity, to: &buffer)
        buffer.writeFlag(draft != nil)
        if let draft {
            Packet.connectDraft(draft).encode(into: &buffer, version: .v20)
        } else {
            Packet.connect(connect).encode(into: &buffer)
        }
        return Array(buffer.readableBytesView)
    }

    /// - Parameter identity: nil for a client that came without DTLS.
    private func write(_ identity: ConnectionIdentity?, to buffer: inout ByteBuffer) {
        buffer.writeFlag(identity != nil)
        guard let identity else { return }
        var names: (user: String?, client: String?) = (nil, nil)
        if case .proven(let userName, let clientIdentifier) = identity { names = (userName, clientIdentifier) }
        for name in [names.user, names.client] {
            buffer.writeFlag(name != nil)
            if let name { buffer.writeText(name) }
        }
    }

    // MARK: Reading

    /// Nil when the octets are not what was written.
    init?(_ octets: [UInt8], limits: Limits) {
        var buffer = ByteBuffer(bytes: octets)
        guard buffer.readInteger(as: UInt8.self) == Self.format, let duration = buffer.readInteger(as: UInt16.self),
            let peer = Self.readPeer(&buffer), let isDraft = buffer.readFlag()
        else { return nil }
        sleepDuration = duration
        self.peer = peer
        switch try? Packet.decode(from: buffer, limits: limits, version: isDraft ? .v20 : .v12) {
        case .connect(let connect) where !isDraft: (self.connect, draft) = (connect, nil)
        case .connectDraft(let connect) where isDraft: (self.connect, draft) = (connect.inOldWords, connect)
        default: return nil
        }
    }

    private static func readPeer(_ buffer: inout ByteBuffer) -> PeerAddress? {
        guard let address = buffer.readText(), let port = buffer.readInteger(as: UInt16.self),
            let remote = try? SocketAddress(ipAddress: address, port: Int(port)), let isNode = buffer.readFlag()
        else { return nil }
        var nodeID: ByteBuffer?
        if isNode {
            nodeID = buffer.readPart()
            guard nodeID != nil else { return nil }
        }
        guard let isDraftForwarder = buffer.readFlag(), let isSecured = buffer.readFlag() else { return nil }
        var association: Association?
        if isSecured {
            guard let identity = readIdentity(&buffer) else { return nil }
            association = Association(number: endedAssociation, identity: identity)
        }
        return PeerAddress(
            remote: remote, nodeID: nodeID, association: association, forwarding: isDraftForwarder ? .v20 : .v12)
    }

    private static func readIdentity(_ buffer: inout ByteBuffer) -> ConnectionIdentity? {
        var names: [String?] = []
        for _ in 0..<2 {
            guard let isThere = buffer.readFlag() else { return nil }
            let name = isThere ? buffer.readText() : nil
            guard !isThere || name != nil else { return nil }
            names.append(name)
        }
        return names == [nil, nil] ? ConnectionIdentity.none : .proven(userName: names[0], clientIdentifier: names[1])
    }
}

extension ByteBuffer {
    fileprivate mutating func writeFlag(_ flag: Bool) { writeInteger(flag ? 1 : 0, as: UInt8.self) }
    fileprivate mutating func readFlag() -> Bool? { readInteger(as: UInt8.self).map { $0 != 0 } }

    fileprivate mutating func writePart(_ part: ByteBuffer) {
        writeInteger(UInt16(clamping: part.readableBytes))
        writeImmutableBuffer(part)
    }

    fileprivate mutating func readPart() -> ByteBuffer? { readLengthPrefixedSlice(as: UInt16.self) }

    fileprivate mutating func writeText(_ text: String) { writePart(ByteBuffer(string: text)) }

    fileprivate mutating func readText() -> String? {
        readPart().flatMap { String(validating: $0.readableBytesView, as: UTF8.self) }
    }
}
