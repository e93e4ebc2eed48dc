import Glibc

/// An array of plain values for what becomes large: it grows by an eighth, so that little of it is unused.
///
/// `ContiguousArray` doubles: while it grows it is there three times, afterwards up to half of it is unused. Here a large block grows
/// without being copied (`TableMemory`).
///
/// Proof of `@unchecked Sendable`: it alone owns its memory, cannot be copied, and changes only through `mutating` methods, so that
/// whoever has it has it like any other value.
struct FlatArray<Element: BitwiseCopyable & Sendable>: ~Copyable, @unchecked Sendable {
    private(set) var count = 0
    private var capacity = 0
    private var memory: UnsafeMutablePointer<Element>?

    init() {}

    init(repeating element: Element, count: Int) {
        grow(filling: element, to: count)
    }

    /// - Parameter zeros: elements, all of whose octets are zero.
    init(zeros count: Int) {
        memory = TableMemory.zeros(count * MemoryLayout<Element>.stride).assumingMemoryBound(to: Element.self)
        capacity = count
        self.count = count
    }

    deinit { TableMemory.free(memory, of: capacity * MemoryLayout<Element>.stride) }

    var indices: Range<Int> { 0..<count }

    /// Of memory. What was reserved for elements to come is left out: until it is touched, the system has not given it, or no more than
    /// the rest of a huge page.
    var octets: Int { count * MemoryLayout<Element>.stride }

    subscript(index: Int) -> Element {
        @inline(__always)
        get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "an index of an array lies in it")
            return memory.unsafelyUnwrapped[index]
        }
        @inline(__always)
        set {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "an index of an array lies in it")
            memory.unsafelyUnwrapped[index] = newValue
        }
    }

    mutating func append(_ element: Element) {
        makeRoom(for: 1)
        memory.unsafelyUnwrapped[count] = element
        count += 1
    }

    /// Keeps the memory.
    mutating func removeAll() { count = 0 }

    /// Appends copies of `element` until there are `count`.
    mutating func grow(filling element: Element, to count: Int) {
        resize(to: max(count, capacity))
        while self.count < count { append(element) }
    }

    /// Lends the elements, for a walk that must not check bounds at each step.
    @inline(__always)
    func withElements<Result>(_ body: (UnsafeBufferPointer<Element>) -> Result) -> Result {
        body(UnsafeBufferPointer(start: memory, count: count))
    }

    /// The same to change them.
    @inline(__always)
    mutating func withMutableElements(_ body: (UnsafeMutableBufferPointer<Element>) -> Void) {
        body(UnsafeMutableBufferPointer(start: memory, count: count))
    }

    private mutating func makeRoom(for more: Int) {
        guard count + more > capacity else { return }
        resize(to: max(count + more, capacity + capacity / 8, 16))
    }

    private mutating func resize(to capacity: Int) {
        let stride = MemoryLayout<Element>.stride
        let grown = TableMemory.grow(memory, of: self.capacity * stride, to: capacity * stride)
        memory = grown.assumingMemoryBound(to: Element.self)
        self.capacity = capacity
    }
}

extension FlatArray<UInt8> {
    /// Appends the octets of `header` and `octets`.
    mutating func append(_ header: some BitwiseCopyable, _ octets: UnsafeRawBufferPointer) {
        let size = MemoryLayout.size(ofValue: header)
        makeRoom(for: size + octets.count)
        let place = UnsafeMutableRawPointer(memory.unsafelyUnwrapped + count)
        place.storeBytes(of: header, as: type(of: header))
        if let start = octets.baseAddress { memcpy(place + size, start, octets.count) }
        count += size + octets.count
    }
}
