import Glibc
import Messaging
import Settings

extension BindError {
    /// What the operator reads: the listener, the place, the reason and the key to change, the same for every protocol.
    func sentence(originOf origin: (_ key: String) -> SettingsOrigin) -> String {
        // A path, and not a numeric address, is a unix socket's; it says of itself what is wrong.
        guard !address.hasPrefix("/") else {
            return "\(listener) cannot listen: \(description) (\(origin("\(listener).path")))"
        }
        let place = "\(listener) cannot listen on \(address) port \(port)"
        let portKey = "\(listener).port", addressKey = "\(listener).address"
        return switch errorNumber {
        case EADDRINUSE:
            "\(place), because another process uses that port: stop it, or set \(portKey) to another one (\(origin(portKey)))"
        case EACCES:
            "\(place), because ports below 1024 need privileges: set \(portKey) to a higher one (\(origin(portKey)))"
        case EADDRNOTAVAIL:
            "\(place), because this machine has no such address: set \(addressKey) to one it has (\(origin(addressKey)))"
        default:
            "\(place): \(description)"
        }
    }
}
