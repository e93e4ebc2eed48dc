/// Where the operators' interface listens, and how much it takes from one client.
package struct AdminConfiguration: Sendable {
    /// Numeric.
    package var address = "127.0.0.1"
    /// 0 lets the system choose.
    package var port = 18_083
    /// Open connections; further ones wait until one is closed.
    package var maximumConnections = 16
    /// Longest a client may take to ask, and to read its answer; after that its connection is closed. The same holds for one that
    /// asks nothing more.
    package var timeout = Duration.seconds(10)

    package init() {}
}
