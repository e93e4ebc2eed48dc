import Glibc
package import NIOCore

/// Writes to a connection's socket at once, past the channel's own queue, whose way costs a third of what the system takes for a small
/// write.
///
///     bytes ──▶ socket                              mostly all
///       └─ rest ──▶ channel ──▶ socket              and what comes after it, until the channel has none left
///
/// For channels whose handlers leave what is written as it is: plain TCP and unix sockets. What the socket does not take is the channel's,
/// with everything behind it, so the order stays; errors are the channel's to meet, too. Lives on the channel's event loop.
package struct SocketWriter {
    private static let none: CInt = -1

    private var descriptor = none
    /// The channel was left something to write.
    private var isBehindChannel = false

    /// Writes nothing; everything is the channel's.
    package init() {}

    /// - Parameter channel: open. One without a socket, as tests have, is left everything.
    package init(_ channel: any Channel) {
        let handle = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable {
            (handle: NIOBSDSocket.Handle) in handle
        }
        descriptor = handle ?? Self.none
    }

    /// Writes as much of `bytes` as the socket takes now, and takes it out.
    /// - Returns: whether nothing is left. Otherwise what is left is to be written to the channel, at once.
    package mutating func write(_ bytes: inout ByteBuffer, of channel: @autoclosure () -> any Channel) -> Bool {
        guard descriptor != Self.none, !isBehindChannel || hasWritten(channel()) else { return false }
        let count = bytes.withUnsafeReadableBytes { send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
        if count > 0 { bytes.moveReaderIndex(forwardBy: count) }
        isBehindChannel = bytes.readableBytes > 0
        return !isBehindChannel
    }

    /// The channel is closed, or about to be: its descriptor may soon be another connection's.
    package mutating func end() { descriptor = Self.none }

    /// The channel has written what it was left.
    private func hasWritten(_ channel: any Channel) -> Bool {
        (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) == 0
    }
}
