import Foundation
import TestKit
import Testing

/// The tables of clauses: each numbered statement of the standards, and the tests that prove those that bind a server.
@Suite struct ConformanceTests {
    private struct Row {
        let clause: String
        let statement: String
        /// Empty when it does not bind a server.
        let tests: [String]
        /// Of 3.1.1: the clause of 5.0 that says the same, or "=" when there is none.
        let counterpart: String?

        /// `MQTT-3.1.2-24` is number 24 of section 3.1.2.
        var section: Substring { clause.prefix(upTo: clause.lastIndex(of: "-") ?? clause.endIndex) }
        var number: Int? { Int(clause.dropFirst(section.count + 1)) }
        var bindsServers: Bool { !statement.hasPrefix("binds ") }
    }

    private static let repository = FixtureTable.folder.deletingLastPathComponent()
    private static let tests = Set(sources(under: "Tests").flatMap { testNames(in: $0) })

    private static let legacy = "mqtt/clauses-3.1.1.tsv"
    private static let current = "mqtt/clauses-5.0.tsv"

    @Test(arguments: [legacy, current]) func everyClauseNamesTestsThatExist(_ path: String) throws {
        for row in try Self.rows(path) {
            #expect(row.tests.isEmpty != row.bindsServers, "\(row.clause): tests are for what binds a server")
            for test in row.tests { #expect(Self.tests.contains(test), "\(row.clause): there is no test \(test)") }
        }
    }

    /// The standards number the statements of a section without gaps (2.2.1 of 5.0 begins at 2), so one left out shows.
    @Test(arguments: [(legacy, 141), (current, 251)]) func noClauseIsLeftOut(_ path: String, _ count: Int) throws {
        let rows = try Self.rows(path)
        #expect(rows.count == count)
        for (section, rows) in Dictionary(grouping: rows, by: \.section) {
            let first = path == Self.current && section == "MQTT-2.2.1" ? 2 : 1
            #expect(rows.map(\.number) == (first..<first + rows.count).map(Optional.some), "\(section)")
        }
    }

    /// The tag of each clause of 5.0 stands where it is carried out.
    @Test func everyClauseOf5IsNamedInTheSources() throws {
        let named = Self.tags(/MQTT-\d+\.\d+\.\d+-\d+/)
        let missing = try Self.rows(Self.current).filter { $0.bindsServers && !named.contains($0.clause) }
        #expect(missing.isEmpty, "\(missing.map(\.clause).joined(separator: " "))")
    }

    /// One of 3.1.1 is carried out where its counterpart in 5.0 is, or has a tag of its own.
    @Test func everyClauseOf311IsNamedInTheSourcesOrHasACounterpart() throws {
        let named = Self.tags(/MQTT 3\.1\.1, MQTT-\d+\.\d+\.\d+-\d+/)
        let counterparts = Set(try Self.rows(Self.current).filter(\.bindsServers).map(\.clause))
        for row in try Self.rows(Self.legacy) where row.bindsServers {
            let isKnown =
                row.counterpart == "="
                ? named.contains("MQTT 3.1.1, \(row.clause)") : counterparts.contains(row.counterpart ?? "")
            #expect(isKnown, "\(row.clause), \(row.counterpart ?? "no counterpart")")
        }
    }

    private static func tags(_ pattern: Regex<Substring>) -> Set<String> {
        // A tag may be broken at the end of a comment's line.
        let text = sources(under: "Sources").joined().replacing(/\n *\/\/\/? */, with: " ")
        return Set(text.matches(of: pattern).map { String($0.output) })
    }

    private static func rows(_ path: String) throws -> [Row] {
        let text = try String(contentsOf: FixtureTable.folder.appending(path: path), encoding: .utf8)
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let fields = line.split(separator: "\t").map { $0.trimmingCharacters(in: .whitespaces) }
            let tests =
                fields.count > 2 ? fields[2].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } : []
            return Row(
                clause: fields.first ?? "", statement: fields.count > 1 ? fields[1] : "",
                tests: tests.filter { $0 != "-" },
                counterpart: fields.count > 3 ? fields[3] : nil)
        }
    }

    private static func sources(under folder: String) -> [String] {
        let files = FileManager.default.enumerator(
            at: repository.appending(path: folder), includingPropertiesForKeys: nil)
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
