import Glibc
package import NIOCore

extension Channel {
    /// Lets TCP ask a silent peer's host whether it is still there: first after `seconds` of silence, then twice within another half
    /// of them; the connection breaks when no answer comes. Behind a proxy it is the proxy that answers.
    ///
    /// - Parameter seconds: 0 for never. What is no TCP connection is not asked: a unix socket's peer cannot vanish unnoticed.
    package func probePeer(everySeconds seconds: UInt16) {
        guard seconds > 0, remoteAddress?.isInternet == true else { return }
        let options: [(NIOBSDSocket.Option, Int)] = [
            (.init(rawValue: TCP_KEEPIDLE), Int(seconds)), (.init(rawValue: TCP_KEEPINTVL), max(1, Int(seconds) / 6)),
            (.init(rawValue: TCP_KEEPCNT), 3),
        ]
        for (name, value) in options { setOption(.tcpOption(name), value: value).whenFailure(ignore) }
        setOption(.socketOption(.so_keepalive), value: 1).whenFailure(ignore)
    }

    /// A connection that has broken meanwhile needs no probes.
    private func ignore(_: any Error) {}
}

extension SocketAddress {
    fileprivate var isInternet: Bool {
        switch self {
        case .v4, .v6: true
        case .unixDomainSocket: false
        }
    }
}
