import Messaging
import NIOCore

/// What a client of 2.0 shows in CONNECT or by an exchange of AUTH.
struct Login: Sendable {
    var userName: String?
    var password: Secret?
    /// Whom an exchange has shown it to be.
    var proven: Principal?

    static let basicMethod = "MQTT-BASIC"

    init() {}

    /// The data of MQTT-BASIC: user name and password, each with its length in two octets. Nil when they are not that.
    init?(basic data: ByteBuffer) {
        var data = data
        guard let userName = data.readLengthPrefixedSlice(as: UInt16.self),
            let name = String(validating: userName.readableBytesView, as: UTF8.self),
            let password = data.readLengthPrefixedSlice(as: UInt16.self), data.readableBytes == 0
        else { return nil }
        self.userName = name
        self.password = Secret(Array(password.readableBytesView))
    }
}
