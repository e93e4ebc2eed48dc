import Foundation
import TestKit
import Testing

@testable import Access

@Suite struct PasswordFileTests {
    private let hash = PasswordHash(Array("p".utf8), iterations: 1).text

    @Test func readsUsersAndPassesOverCommentsAndBlankLines() throws {
        let file = try PasswordFile(text: "# users\n\nalice:\(hash)\r\n  bob smith : \(hash) \n", path: "users")
        #expect(file.users.keys.sorted() == ["alice", "bob smith"])
        #expect(file.users.values.allSatisfy { $0.matches(Array("p".utf8)) })
    }

    @Test(arguments: [
        ("a:$6$x", 1, "users:1: the hash is damaged: set the password anew with apus passwd"),
        ("# c\n\nplain:text", 3, "users:3: the password is in clear text: convert the file with apus passwd -U"),
        ("nothing", 1, "users:1: the line has no colon between user name and hash: make entries with apus passwd"),
        (":$6$x", 1, "users:1: the user name is missing: remove the line"),
    ])
    func aWrongLineIsNamed(text: String, line: Int, sentence: String) throws {
        let error = #expect(throws: AccessFileError.self) { try PasswordFile(text: text, path: "users") }
        #expect(error?.line == line)
        #expect(error?.description == sentence)
    }

    @Test func aUserHasOneEntry() {
        let error = #expect(throws: AccessFileError.self) {
            try PasswordFile(text: "a:\(hash)\na:\(hash)\n", path: "users")
        }
        #expect(error?.line == 2)
    }

    @Test func aMissingFileIsNamed() {
        let error = #expect(throws: AccessFileError.self) { try PasswordFile(path: "/nowhere/users") }
        #expect(error?.description == "/nowhere/users: the file does not exist: check the path and who may read it")
    }

    @Test func whatMosquittoPasswdWritesNowIsRead() async throws {
        let file = try TemporaryFile("")
        for (user, password) in [("one", "first"), ("two", "zweites Wort")] {
            let program = try Program("mosquitto_passwd", ["-b", file.path, user, password])
            #expect(try await program.exitStatus() == 0)
        }
        let users = try PasswordFile(path: file.path).users
        #expect(users["one"]?.matches(Array("first".utf8)) == true)
        #expect(users["two"]?.matches(Array("zweites Wort".utf8)) == true)
        #expect(users["two"]?.matches(Array("first".utf8)) == false)
    }
}

@Suite struct PasswordFileEditorTests {
    private func file(_ text: String) throws -> (file: TemporaryFile, editor: PasswordFileEditor) {
        let file = try TemporaryFile(text)
        return (file, try PasswordFileEditor(path: file.path, creates: false))
    }

    @Test func keepsTheRestOfTheTextAsItIs() throws {
        var (file, editor) = try file("# devices\nalice:old\n\nbob:$6$kept\n")
        let hash = PasswordHash([1], iterations: 1)
        let wasThere = (editor.set("alice", hash), editor.set("carol", hash))
        #expect(wasThere == (true, false))
        try editor.write()
        let text = try String(contentsOfFile: file.path, encoding: .utf8)
        #expect(text == "# devices\nalice:\(hash.text)\n\nbob:$6$kept\ncarol:\(hash.text)\n")
    }

    @Test func removesAUser() throws {
        var (_, editor) = try file("a:1\nb:2\n")
        let wasThere = (editor.remove("a"), editor.remove("a"))
        #expect(wasThere == (true, false))
        #expect(editor.text == "b:2\n")
    }

    @Test func hashesClearTextOnly() throws {
        var (file, editor) = try file("# comment: kept\na:two words\nb:$6$kept\n")
        let count = editor.hashClearText(iterations: 1)
        #expect(count == 1)
        #expect(editor.text.hasPrefix("# comment: kept\na:$7$1$"))
        #expect(editor.text.hasSuffix("\nb:$6$kept\n"))
        try editor.write()
        var again = try PasswordFileEditor(path: file.path, creates: false)
        let secondCount = again.hashClearText(iterations: 1)
        #expect(secondCount == 0)
    }

    @Test func aNewFileIsForItsOwnerAloneAndAnOldOneKeepsItsMode() throws {
        let file = try TemporaryFile("a:1\n")
        let mode = { (path: String) in try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int }
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file.path)
        try PasswordFileEditor(path: file.path, creates: false).write()
        #expect(try mode(file.path) == 0o640)
        let new = file.path + ".second"
        defer { try? FileManager.default.removeItem(atPath: new) }
        try PasswordFileEditor(path: new, creates: true).write()
        #expect(try mode(new) == 0o600)
    }

    @Test(arguments: [("alice", true), ("a b", true), ("", false), ("a:b", false), ("#a", false), (" a", false), ("a\nb", false)])
    func namesThatWouldBreakTheFileAreRefused(name: String, isValid: Bool) {
        #expect(PasswordFileEditor.isValid(userName: name) == isValid)
    }
}
