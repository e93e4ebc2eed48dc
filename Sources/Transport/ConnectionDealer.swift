package import Dispatch
package import NIOCore
import Synchronization

/// Deals connections to event loops in blocks: the first few share a loop, so that what one of them says to another crosses no thread and
/// wakes nobody; many spread evenly. Borrows the loops of another group and does not end them.
package final class ConnectionDealer: EventLoopGroup {
    private static let blockSize = 8

    private let loops: [any EventLoop]
    private let dealt = Atomic<Int>(0)

    package init(_ group: any EventLoopGroup) {
        loops = Array(group.makeIterator())
    }

    package func next() -> any EventLoop {
        let number = dealt.wrappingAdd(1, ordering: .relaxed).oldValue
        return loops[number / Self.blockSize % loops.count]
    }

    package func any() -> any EventLoop { loops[0] }

    package func makeIterator() -> EventLoopIterator { EventLoopIterator(loops) }

    package func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        queue.async { callback(nil) }
    }
}
