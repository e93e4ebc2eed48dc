import CLinux
import Glibc

/// A block of memory for a table that grows: from `malloc` while it is small, from then on pages of its own.
///
/// Pages change their address without being copied, and the system need not fill anew what it has filled already: an array that
/// grows by an eighth at a time would else be copied, and its pages given back and got again, nine times over.
enum TableMemory {
    /// Octets from which on a block has pages of its own.
    private static let ownPages = 128 << 10
    /// Octets from which on they are huge pages where the system has them for who asks. A walk of a large table waits twice at every
    /// step, for the page table and for the memory; huge pages spare it the first. Of the last one half is unused, on an average.
    private static let hugePages = 4 << 20
    private static let hugePage = 2 << 20

    /// - Parameters:
    ///   - block: the block so far, which is given up; nil for none.
    ///   - octets: that it has; no more than `wanted`.
    /// - Returns: a block of `wanted` octets that begins with those of `block`.
    static func grow(
        _ block: UnsafeMutableRawPointer?, of octets: Int, to wanted: Int
    ) -> UnsafeMutableRawPointer {
        guard wanted >= ownPages else { return checked(realloc(block, wanted)) }
        guard octets < ownPages else {
            let size = mapped(wanted)
            return advised(checked(linux_remap(block, mapped(octets), size)), size)
        }
        let pages = newPages(wanted)
        if let block { memcpy(pages, block, octets) }
        Glibc.free(block)
        return pages
    }

    /// A block of which every octet is zero, for a table that is written all over at once: the system fills its pages in one go.
    static func zeros(_ octets: Int) -> UnsafeMutableRawPointer {
        octets < ownPages ? checked(calloc(octets, 1)) : newPages(octets, areFilled: octets < hugePages)
    }

    private static func newPages(_ octets: Int, areFilled: Bool = false) -> UnsafeMutableRawPointer {
        let size = mapped(octets)
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | (areFilled ? Glibc.MAP_POPULATE : 0)
        return advised(checked(mmap(nil, size, PROT_READ | PROT_WRITE, flags, -1, 0)), size)
    }

    static func free(_ block: UnsafeMutableRawPointer?, of octets: Int) {
        if octets >= ownPages { munmap(block, mapped(octets)) } else { Glibc.free(block) }
    }

    /// Huge pages begin where a huge page can: the system sees to it for blocks of whole ones.
    private static func mapped(_ octets: Int) -> Int {
        octets < hugePages ? octets : (octets + hugePage - 1) / hugePage * hugePage
    }

    private static func advised(_ pages: UnsafeMutableRawPointer, _ size: Int) -> UnsafeMutableRawPointer {
        // Without huge pages it is a little slower.
        if size >= hugePages { madvise(pages, size, MADV_HUGEPAGE) }
        return pages
    }

    private static func checked(_ block: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer {
        guard let block, block != MAP_FAILED else { preconditionFailure("the system has no memory for a table") }
        return block
    }
}
