import Glibc
package import NIOCore

/// Where a stream listener opens.
package enum ListenPlace: Sendable, Equatable {
    case internet(ListenAddress)
    case unix(UnixSocketFile)
}

/// Where a listener opens: a numeric address and a port. `::` takes IPv4, too, as the system's `bindv6only` leaves it.
package struct ListenAddress: Sendable, Equatable {
    /// Numeric IPv4 or IPv6.
    package let address: String
    /// 0 lets the system choose.
    package let port: Int

    package init(address: String, port: Int) {
        self.address = address
        self.port = port
    }

    /// The address as sockets take it.
    package func resolved() throws(BindFailure) -> SocketAddress {
        guard let socketAddress = try? SocketAddress(ipAddress: address, port: port) else {
            throw BindFailure(
                errorNumber: 0, sentence: "\(address) is not a numeric IPv4 or IPv6 address, e.g. 127.0.0.1 or ::")
        }
        return socketAddress
    }
}

/// Why a listener could not open.
package struct BindFailure: Error, Sendable, Equatable {
    /// The system's error number, or 0 when the address could not be understood.
    package let errorNumber: Int32
    /// One sentence for the operator, without a full stop.
    package let sentence: String

    package init(errorNumber: Int32, sentence: String) {
        self.errorNumber = errorNumber
        self.sentence = sentence
    }

    /// Says in words what `bind` said in a number.
    package init(_ error: any Error, at place: ListenAddress, transport: String) {
        let subject = "\(transport) port \(place.port) on \(place.address)"
        guard let error = error as? IOError else {
            self.init(errorNumber: 0, sentence: "\(subject) cannot be opened: \(error)")
            return
        }
        let sentence =
            switch error.errnoCode {
            case EADDRINUSE: "\(subject) is in use by another process"
            case EACCES: "\(subject) needs privileges this process does not have; ports from 1024 on need none"
            case EADDRNOTAVAIL: "this machine has no address \(place.address)"
            default: "\(subject) cannot be opened: \(String(cString: strerror(error.errnoCode)))"
            }
        self.init(errorNumber: error.errnoCode, sentence: sentence)
    }
}
