/// A value that is rarely there: 8 octets while it is not, a piece of memory of its own while it is. For what few of very many
/// objects have at a time.
public struct Rarely<Value> {
    /// At most one element. An array is a piece of memory that may cross threads where its value may.
    @usableFromInline
    var storage: ContiguousArray<Value> = []

    public init(_ value: Value? = nil) { self.value = value }

    public var value: Value? {
        get { storage.first }
        set {
            guard let newValue else { return storage = [] }
            storage = [newValue]
        }
    }

    /// Looks at it in place: no reference in it is counted.
    /// - Returns: nil where it is not there.
    @inlinable
    public func look<Result>(_ body: (borrowing Value) -> Result) -> Result? {
        storage.isEmpty ? nil : body(storage[0])
    }

    /// Changes it in place, made by `initial` where it is not there.
    public mutating func change(from initial: @autoclosure () -> Value, _ body: (inout Value) -> Void) {
        if storage.isEmpty { storage = [initial()] }
        body(&storage[0])
    }
}

extension Rarely: Sendable where Value: Sendable {}
extension Rarely: Equatable where Value: Equatable {}
