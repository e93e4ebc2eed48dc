package import NIOCore

/// The memory that the plain connections of an event loop receive into, one after the other. What has been received is read at once and seldom
/// kept, so the next read finds this memory in the processor's cache still. Buffers of so many connections it cannot hold.
///
///     channel ──lend──▶ read ──▶ handler ──takeBack──▶ next channel
///
/// A handler that keeps what it received does not give it back: the next read gets new memory.
///
/// Proof of `@unchecked Sendable`: NIO's allocators have to be sendable, but a channel asks its own on its event loop only, and `serve` and
/// `takeBack` are called there, too.
package final class ReceiveBuffer: @unchecked Sendable {
    /// Octets of one read, at most.
    package static let capacity = 131_072

    /// Without memory while it is lent.
    private var spare = ByteBuffer()

    package init() {}

    /// Lets `channel`, which lives on this buffer's event loop, receive into it from now on.
    package func serve(_ channel: any Channel) {
        let options = channel.syncOptions
        // One at a time: of several, the channel would keep all but the first.
        try? options?.setOption(.maxMessagesPerRead, value: 1)
        try? options?.setOption(.recvAllocator, value: Lender(buffer: self))
    }

    /// What was received has been read.
    package func takeBack(_ buffer: inout ByteBuffer) {
        guard buffer.storageCapacity == Self.capacity else { return }
        swap(&buffer, &spare)
    }

    private func lend(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        var buffer = ByteBuffer()
        swap(&buffer, &spare)
        guard buffer.storageCapacity > 0 else { return allocator.buffer(capacity: Self.capacity) }
        buffer.clear()
        return buffer
    }

    /// Asked by one channel for each read. The channel keeps the first buffer it gets, so that is a small one of its own.
    private struct Lender: RecvByteBufferAllocator {
        private static let first = 128

        let buffer: ReceiveBuffer
        private var hasRead = false

        init(buffer: ReceiveBuffer) { self.buffer = buffer }

        func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
            hasRead ? buffer.lend(allocator) : allocator.buffer(capacity: Self.first)
        }

        /// - Returns: true, whereupon the channel asks for a buffer again.
        mutating func record(actualReadBytes: Int) -> Bool {
            hasRead = true
            return true
        }
    }
}
