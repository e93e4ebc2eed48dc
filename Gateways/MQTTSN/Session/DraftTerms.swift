import Messaging
import NIOCore

/// What a client of 2.0 has agreed on, beyond what 1.2 knows. One object for each connection, on its event loop.
final class DraftTerms {
    /// Without the will and the data of its authentication.
    let connect: Packet.ConnectDraft
    /// The id the gateway chose for a client that had none; nil for one that did.
    let assignedClientID: String?
    /// The topic of the will, looked up; nil without will.
    let will: Will?
    /// What the client has shown to be let in; gone once it has been asked for.
    var login: Login?
    /// A method of several steps under way, in the middle of CONNECT or again later.
    var exchange: (any AuthenticationExchange)?
    /// Identifier of the message that brought its latest step.
    var authID: UInt16
    /// The PINGREQ that is to be answered.
    var pingID: UInt16 = 0
    /// What a DISCONNECT says about the session; nil for what CONNECT said.
    var expiry: SessionExpiryChange?
    /// For CONNACK: the last word of an authentication method of several steps.
    var authentication: Packet.Authentication?
    /// The session existed before.
    var isSessionPresent = false
    /// The session's expiry where it is another than the client asked for.
    var grantedExpiry: UInt32?
    /// A sleeper has been told that something waits.
    var hasBeenCalled = false

    /// Smallest packet size a client may ask for, in octets.
    static let leastPacketSize = 10

    init(_ connect: Packet.ConnectDraft, assignedClientID: String?, will: Will?) {
        var kept = connect
        // Done with by now, and no slices of what was read are kept alive.
        kept.will = nil
        kept.authentication?.data = ByteBuffer()
        self.connect = kept
        authID = connect.messageID
        self.assignedClientID = assignedClientID
        self.will = will
    }

    /// Octets of a message to the client.
    var maximumPacketSize: Int { connect.maximumPacketSize == 0 ? .max : Int(connect.maximumPacketSize) }

    /// What CONNECT says about session and will.
    func apply(to options: inout SessionOptions, limit: Duration?) {
        options.cleanStart = connect.cleanStart
        options.keepsWill = false
        options.will = will
        options.expiry = Self.expiry(of: connect.sessionExpiry, limit: limit)
        if let asked = connect.sessionExpiry, let granted = options.expiry {
            let seconds = UInt32(clamping: granted.components.seconds)
            grantedExpiry = seconds == asked ? nil : seconds
        }
    }

    /// How long the session may outlive its connection; nil for ever.
    /// - Parameter limit: the operator's bound; nil for none.
    static func expiry(of seconds: UInt32?, limit: Duration?) -> Duration? {
        guard let seconds, seconds != .max else { return seconds == nil ? .zero : limit }
        return limit.map { min($0, .seconds(Int64(seconds))) } ?? .seconds(Int64(seconds))
    }
}
