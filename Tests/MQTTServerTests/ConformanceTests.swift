import Foundation
import TestKit
import Testing

/// The tables of clauses: each statement of the standards that binds a server, and the tests that prove it.
@Suite struct ConformanceTests {
    struct Row: CustomTestStringConvertible {
        let clause: String
        let tests: [String]
        var testDescription: String { clause }
    }

    private static let repository = FixtureTable.folder.deletingLastPathComponent()
    private static let tests = Set(sources(under: "Tests").flatMap { testNames(in: $0) })

    @Test(arguments: [("mqtt/clauses-3.1.1.tsv", 126), ("mqtt/clauses-5.0.tsv", 227)])
    func everyClauseNamesTestsThatExist(_ path: String, _ count: Int) throws {
        let rows = try Self.rows(path)
        #expect(rows.count >= count)
        #expect(Set(rows.map(\.clause)).count == rows.count, "a clause stands once")
        for row in rows {
            #expect(!row.tests.isEmpty, "\(row.clause) has no test")
            for test in row.tests { #expect(Self.tests.contains(test), "\(row.clause): there is no test \(test)") }
        }
    }

    /// The tag of each clause of 5.0 stands where it is carried out.
    @Test func everyClauseIsNamedInTheSources() throws {
        let text = Self.sources(under: "Sources").joined()
        let named = Set(text.matches(of: /MQTT-\d+\.\d+\.\d+-\d+/).map { String($0.output) })
        let missing = try Self.rows("mqtt/clauses-5.0.tsv").map(\.clause).filter { !named.contains($0) }
        #expect(missing.isEmpty, "\(missing.joined(separator: " "))")
    }

    private static func rows(_ path: String) throws -> [Row] {
        let text = try String(contentsOf: FixtureTable.folder.appending(path: path), encoding: .utf8)
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let fields = line.split(separator: "\t").map { $0.trimmingCharacters(in: .whitespaces) }
            let tests = fields.count > 2 ? fields[2].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } : []
            return Row(clause: fields.first ?? "", tests: tests)
        }
    }

    private static func sources(under folder: String) -> [String] {
        let files = FileManager.default.enumerator(at: repository.appending(path: folder), includingPropertiesForKeys: nil)
        return (files?.allObjects ?? []).compactMap { file in
            guard let url = file as? URL, url.pathExtension == "swift" else { return nil }
            return try? String(contentsOf: url, encoding: .utf8)
        }
    }

    /// `Suite/function` for each test of a file; files have one suite.
    private static func testNames(in source: String) -> [String] {
        guard let suite = source.firstMatch(of: /@Suite[^\n]*? struct (\w+)/)?.output.1 else { return [] }
        // The attribute may stand on lines of its own, with arguments between.
        return source.components(separatedBy: "@Test").dropFirst().compactMap { text in
            text.firstMatch(of: /func (\w+)/).map { "\(suite)/\($0.output.1)" }
        }
    }
}
