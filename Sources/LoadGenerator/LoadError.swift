package import MQTTCodec

/// Why a run of the generator has no result.
package enum LoadError: Error, Equatable, CustomStringConvertible {
    case unknownHost(String)
    /// The system refuses a socket, or the connection it asks for; the number is errno.
    case cannotConnect(errorNumber: Int32, reason: String)
    /// CONNACK, SUBACK, PUBACK, PUBREC or DISCONNECT with a failure.
    case refused(client: String, what: String, ReasonCode)
    case connectionLost(client: String)
    /// The broker sent what MQTT does not allow.
    case protocolViolation(client: String)
    /// Nothing has come for the time a run waits at most.
    case stalled(waitingFor: String)
    /// There is no process with this identifier, or not one that may be looked at.
    case noProcess(Int32)

    package var description: String {
        switch self {
        case .unknownHost(let host): "the host name \(host) is not known"
        case .cannotConnect(_, let reason):
            "no connection to the broker, \(reason): is one running there? (-h and -p choose another)"
        case .refused(let client, let what, let code): "the broker answers \(what) of \(client) with \(code)"
        case .connectionLost(let client): "the broker closed the connection of \(client)"
        case .protocolViolation(let client): "the broker sent \(client) something that is not MQTT"
        case .stalled(let what): "waited in vain for \(what)"
        case .noProcess(let identifier): "there is no process \(identifier) to measure: --pid takes that of the broker"
        }
    }
}
