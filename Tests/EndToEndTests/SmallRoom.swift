import Foundation
import TestKit

/// A data folder that is soon full, and gets room again.
final class SmallRoom: Sendable {
    enum Kind {
        /// A tmpfs of 3 MB with a ballast of 1 MB.
        case disk
        /// `store.max_size`.
        case limit
    }

    let kind: Kind
    private let folder: URL

    init(_ kind: Kind) throws {
        self.kind = kind
        folder = FileManager.default.temporaryDirectory.appending(path: "apus-room-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        guard kind == .disk else { return }
        try MemoryDisk.mount("size=3m", at: folder.path)
        try Data(count: 1_000_000).write(to: ballast)
    }

    deinit {
        if kind == .disk { MemoryDisk.unmount(folder.path) }
        try? FileManager.default.removeItem(at: folder)
    }

    var dataDirectory: String { folder.appending(path: "data").path }
    var settings: [String] { kind == .limit ? ["store.max_size=1MB"] : [] }
    private var ballast: URL { folder.appending(path: "ballast") }

    /// A disk gets room when something is removed from it; a store at its limit when messages are taken.
    func removeBallast() throws { try FileManager.default.removeItem(at: ballast) }
}
