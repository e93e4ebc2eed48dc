/// An array for what becomes large, in pieces: it grows by one piece, and nothing that is there already is copied. `ContiguousArray` is
/// there three times while it grows, and what it leaves is rarely of use to others.
struct PagedArray<Element> {
    private static var pageSize: Int { 256 }

    private var pages: ContiguousArray<ContiguousArray<Element>> = []
    private(set) var count = 0

    var indices: Range<Int> { 0..<count }

    subscript(index: Int) -> Element {
        get { pages[index / Self.pageSize][index % Self.pageSize] }
        set { pages[index / Self.pageSize][index % Self.pageSize] = newValue }
    }

    mutating func append(_ element: Element) {
        if count % Self.pageSize == 0 {
            pages.append([])
            pages[pages.count - 1].reserveCapacity(Self.pageSize)
        }
        pages[pages.count - 1].append(element)
        count += 1
    }
}
