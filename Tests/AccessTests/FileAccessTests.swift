import Foundation
import Messaging
import TestKit
import Testing

@testable import Access

@Suite struct FileAccessTests {
    private let topic = try? TopicName("a")
    private let anonymous = Principal(kind: .anonymous, clientID: nil)

    private func allowsReading(_ access: FileAccess) throws -> Bool {
        try #require(access.authorizer).allows(.receive(try #require(topic)), by: anonymous)
    }

    @Test func aGoodFileTakesEffect() throws {
        let rules = try TemporaryFile("topic read a\n")
        let access = try FileAccess(
            FileAccess.Paths(passwordFile: nil, accessListFile: rules.path), anonymous: AnonymousAccess())
        #expect(access.authenticator == nil)
        #expect(try allowsReading(access))
        try Data("topic write a\n".utf8).write(to: URL(filePath: rules.path))
        try access.reload()
        #expect(try !allowsReading(access))
    }

    /// Neither file takes effect when one is bad.
    @Test func aBadFileLeavesTheOldRulesInForce() throws {
        let rules = try TemporaryFile("topic read a\n")
        let users = try TemporaryFile("")
        let access = try FileAccess(
            FileAccess.Paths(passwordFile: users.path, accessListFile: rules.path), anonymous: AnonymousAccess())
        try Data("topic deny a\n".utf8).write(to: URL(filePath: rules.path))
        try Data("broken\n".utf8).write(to: URL(filePath: users.path))
        let error = #expect(throws: AccessFileError.self) { try access.reload() }
        #expect(error?.path == users.path)
        #expect(error?.line == 1)
        #expect(try allowsReading(access))
        try Data().write(to: URL(filePath: users.path))
        try access.reload()
        #expect(try !allowsReading(access))
    }

    @Test func aBadFileAtTheStartIsAnError() throws {
        let rules = try TemporaryFile("topic read a\nnonsense\n")
        let error = #expect(throws: AccessFileError.self) {
            try FileAccess(FileAccess.Paths(passwordFile: nil, accessListFile: rules.path), anonymous: AnonymousAccess())
        }
        #expect(error?.line == 2)
    }
}
