import Foundation

/// A file that is gone when nobody holds it any more.
package final class TemporaryFile: Sendable {
    package let path: String

    package init(_ text: String) throws {
        path = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)").path
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
