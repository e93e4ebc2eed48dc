import CLinux

extension UnsafeBufferPointer {
    /// Asks memory for an element, which need not be there, so that a later look at it finds it in the processor's cache.
    @inline(__always)
    func prefetch(_ index: Int32) {
        guard index >= 0, let baseAddress else { return }
        linux_prefetch(baseAddress + Int(index))
    }
}
