import Foundation
import Glibc
import TestKit

/// A data folder that is soon full, and gets room again.
final class SmallRoom: Sendable {
    enum Kind: CaseIterable {
        /// A tmpfs of 3 MB with a ballast of 1 MB.
        case disk
        /// `store.max_size`.
        case limit
    }

    let kind: Kind
    private let folder: URL

    init(_ kind: Kind) async throws {
        self.kind = kind
        folder = FileManager.default.temporaryDirectory.appending(path: "apus-room-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        guard kind == .disk else { return }
        try await Self.mount("size=3m", at: folder.path)
        try Data(count: 1_000_000).write(to: ballast)
    }

    deinit {
        if kind == .disk { umount2(folder.path, Int32(MNT_DETACH)) }
        try? FileManager.default.removeItem(at: folder)
    }

    var dataDirectory: String { folder.appending(path: "data").path }
    var settings: [String] { kind == .limit ? ["store.max_size=1MB"] : [] }
    private var ballast: URL { folder.appending(path: "ballast") }

    /// A disk gets room when something is removed from it; a store at its limit when messages are taken.
    func removeBallast() throws { try FileManager.default.removeItem(at: ballast) }

    /// Mounting needs root, which continuous integration has.
    static var canMount: Bool { geteuid() == 0 }

    static func mount(_ options: String, at folder: String) async throws {
        let mount = try Program("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder])
        guard try await mount.exitStatus() == 0 else {
            throw Program.Missing(description: "cannot mount: \(mount.errorLines)")
        }
    }
}
