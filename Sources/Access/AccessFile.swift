import Foundation

/// A text file of access rules, read whole.
struct AccessFile {
    /// Larger files are a mistake: a million users with hashes of today's length.
    private static let maximumOctets = 256 * 1_048_576

    let path: String
    /// Without their ends; the last one is missing when the file ends with a line end, as it should.
    let lines: [Substring]

    init(path: String) throws(AccessFileError) {
        let data: Data
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            guard (attributes[.size] as? Int ?? 0) <= Self.maximumOctets else {
                throw AccessFileError(path: path, line: nil, problem: "the file is too large", remedy: "use one of at most 256 MB")
            }
            data = try Data(contentsOf: URL(filePath: path))
        } catch let error as AccessFileError {
            throw error
        } catch {
            let reason = FileManager.default.fileExists(atPath: path) ? "cannot be read" : "does not exist"
            throw AccessFileError(
                path: path, line: nil, problem: "the file \(reason)", remedy: "check the path and who may read it")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw AccessFileError(path: path, line: nil, problem: "the file is not UTF-8 text", remedy: "save it as UTF-8")
        }
        self.init(path: path, text: text)
    }

    init(path: String, text: String) {
        self.path = path
        // One Character, as Swift takes CR LF for one.
        var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        if lines.last?.isEmpty == true { lines.removeLast() }
        self.lines = lines
    }

    /// Lines that say something, with their numbers: no blank ones, no comments.
    var entries: [(number: Int, text: Substring)] {
        lines.enumerated().compactMap { index, line in
            let text = line.trimmingBlanks
            return text.isEmpty || text.utf8.first == UInt8(ascii: "#") ? nil : (index + 1, text)
        }
    }

    func problem(_ line: Int, _ problem: String, remedy: String) -> AccessFileError {
        AccessFileError(path: path, line: line, problem: problem, remedy: remedy)
    }
}

extension Substring {
    private static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" || character == "\r" }

    /// Without spaces and tabs at both ends.
    var trimmingBlanks: Substring {
        var rest = drop(while: Self.isBlank)
        while let last = rest.last, Self.isBlank(last) { rest.removeLast() }
        return rest
    }
}
