import Foundation
import TestKit

/// Files as a loss of power leaves them: what was synced, and of the rest what chance had written back, torn or whole. The
/// program itself keeps account of that in a folder of copies (Tests/PowerLoss).
struct PowerLoss: Sendable {
    private let folder: URL
    private let copies: URL
    private let seed: UInt64

    /// - Parameters:
    ///   - parent: where to put the copies.
    ///   - folder: the folder whose files suffer.
    init(_ parent: URL, of folder: URL, seed: UInt64) throws {
        self.folder = folder
        self.seed = seed
        copies = parent.appending(path: "durable")
        try FileManager.default.createDirectory(at: copies, withIntermediateDirectories: true)
    }

    /// What the program is to be started with.
    var environment: [String: String] {
        [
            "LD_PRELOAD": BuiltProducts.library("PowerLoss"), "POWERLOSS_FOLDER": folder.path,
            "POWERLOSS_DURABLE": copies.path, "POWERLOSS_SEED": "\(seed)",
        ]
    }

    /// The program has ended: its files become what was durable of them.
    func strike() throws {
        let files = FileManager.default
        try? files.removeItem(at: folder)
        try files.copyItem(at: copies, to: folder)
    }
}
