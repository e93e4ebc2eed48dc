import Foundation
import Glibc

/// A small file system in memory, for what a test cannot show otherwise: a disk without room, or one that may only be read.
package enum MemoryDisk {
    /// Whether this process may mount one, which takes root and, in a container, CAP_SYS_ADMIN. Tried once.
    package static let isAvailable: Bool = {
        let folder = FileManager.default.temporaryDirectory.appending(path: "apus-mount-\(UUID().uuidString)").path
        mkdir(folder, 0o700)
        defer { rmdir(folder) }
        guard (try? mount("size=1m", at: folder)) != nil else { return false }
        unmount(folder)
        return true
    }()

    /// - Parameter options: as for mount(8): `size=2m`, `ro`.
    package static func mount(_ options: String, at folder: String) throws {
        let flags = options == "ro" ? UInt(MS_RDONLY) : 0
        guard Glibc.mount("tmpfs", folder, "tmpfs", flags, options == "ro" ? nil : options) == 0 else {
            throw Program.Missing(description: "cannot mount a tmpfs at \(folder): \(String(cString: strerror(errno)))")
        }
    }

    package static func unmount(_ folder: String) { umount2(folder, Int32(MNT_DETACH)) }
}
