package import Foundation

/// Rows of a text file under /Fixtures: fields separated by ` | `, comments after `#` at the start of a line.
package struct FixtureTable: Sendable {
    package let rows: [[String]]

    /// - Parameter path: from /Fixtures, e.g. `mqtt/valid.txt`.
    package init(_ path: String) throws {
        let text = try String(contentsOf: Self.folder.appending(path: path), encoding: .utf8)
        rows = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            line.components(separatedBy: " | ").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    /// /Fixtures of the package.
    package static var folder: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures")
    }
}
