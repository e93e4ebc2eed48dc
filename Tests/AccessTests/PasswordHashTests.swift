import Testing

@testable import Access

@Suite struct PasswordHashTests {
    /// Written by Debian's mosquitto_passwd 2.0.11.
    static let fromMosquitto: [(password: String, hash: String)] = [
        (
            "wonderland",
            "$7$101$+WQK8AZQ66BZgMfp$1lZY/WY/dq0vRNOodr+BxWCay+0Z4cs6mRIUpwKAzJj9QWEG8pLzFU3NqtpOBI9P4/vY+uJ1/rKQ328ovv07xQ=="
        ),
        (
            "builder",
            "$6$nR2xbvc0VZPIU9cW$KIDeDmqMwwCChQDeH+vwzVMDdfIK134ar5M19s8GAX9jSqjqJWbP5qPdI2WPtlGpdGYnvjEapVSHPwZfTmBX1w=="
        ),
        (
            "pässword",
            "$7$1000$jS9uxm3PCPO6FT00$ikKdWmaI2OpxxILwBZXBl8paJjY76bQP73pjklRBPWHahHG5wcTqyKXBZgqO7CIWB1eG1CCDx9G94T28/HIBSw=="
        ),
    ]

    @Test(arguments: fromMosquitto)
    func readsWhatMosquittoWrites(password: String, hash: String) throws {
        let parsed = try PasswordHash(hash)
        #expect(parsed.matches(Array(password.utf8)))
        #expect(!parsed.matches(Array((password + "x").utf8)))
        #expect(!parsed.matches([]))
        #expect(parsed.text == hash)
    }

    @Test(arguments: ["", "p", "pass word", String(repeating: "x", count: 5_000), "null\0inside"])
    func aNewHashMatchesItsPasswordOnly(password: String) throws {
        let hash = PasswordHash(Array(password.utf8), iterations: 10)
        #expect(try PasswordHash(hash.text) == hash)
        #expect(hash.matches(Array(password.utf8)))
        #expect(!hash.matches(Array((password + "x").utf8)))
        #expect(hash.text.hasPrefix("$7$10$"))
    }

    @Test func twoHashesOfOnePasswordDiffer() {
        #expect(PasswordHash([1], iterations: 1) != PasswordHash([1], iterations: 1))
    }

    @Test(arguments: [
        ("plain", PasswordHashError.clearText), ("", .clearText), ("$5$a$b", .unknownMethod), ("$argon2id$v=19$m=1", .unknownMethod),
        ("$", .unknownMethod), ("$6$", .malformed), ("$6$YQ==$YQ==", .malformed), ("$6$*$YQ==", .malformed), ("$6$a$b$c", .malformed),
        ("$7$x$YQ==$YQ==", .iterations), ("$7$0$YQ==$YQ==", .iterations), ("$7$1000001$YQ==$YQ==", .iterations),
        ("$7$-1$YQ==$YQ==", .iterations), ("$7$1$$YQ==", .malformed), ("$7$1$YQ==", .malformed),
        ("$scram-sha-256$1$YQ==$YQ==", .malformed), ("$scram-sha-256$0$YQ==$YQ==", .iterations), ("$scram-sha-256$", .malformed),
    ])
    func saysWhatIsWrong(text: String, expected: PasswordHashError) {
        #expect(throws: expected) { try PasswordHash(text) }
    }
}
