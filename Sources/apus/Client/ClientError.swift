import ArgumentParser
import MQTTCodec
import Transport

/// Why a client command did not do what it was asked.
enum ClientError: Error {
    case cannotConnect(host: String, port: Int, reason: String)
    /// A file named on the command line is not right.
    case file(TLSFileError)
    /// TLS did not come about.
    case notSecure(String)
    /// CONNACK with a failure.
    case connectRefused(ReasonCode)
    case publishRefused(ReasonCode)
    case subscribeRefused(filter: String, ReasonCode)
    /// The broker said DISCONNECT, with its reason from MQTT 5.0 on.
    case disconnected(ReasonCode)
    /// The connection closed without a word.
    case connectionLost
    /// The broker sent what MQTT does not allow.
    case protocolViolation
    case timedOut

    var sentence: String {
        switch self {
        case .cannotConnect(let host, let port, let reason):
            "no connection to \(host) port \(port), \(reason): is a broker running there? (-h and -p choose another)"
        case .file(let error): "\(error)"
        case .notSecure(let reason): "no secure connection: \(reason) (--cafile, --cert, --key)"
        case .connectRefused(let code): "the broker refuses the connection: \(code)"
        case .publishRefused(let code): "the broker refuses the message: \(code)"
        case .subscribeRefused(let filter, let code): "the broker refuses the subscription to \(filter): \(code)"
        case .disconnected(let code): "the broker ended the connection: \(code)"
        case .connectionLost: "the connection broke"
        case .protocolViolation: "the broker sent something that is not MQTT"
        case .timedOut: "nothing more came in time"
        }
    }

    var exitStatus: ExitCode {
        switch self {
        case .file: ExitStatus.configuration
        case .cannotConnect, .notSecure, .disconnected, .connectionLost: ExitStatus.unavailable
        case .connectRefused, .publishRefused, .subscribeRefused: ExitStatus.refused
        case .protocolViolation: ExitStatus.software
        case .timedOut: ExitStatus.timeout
        }
    }
}
