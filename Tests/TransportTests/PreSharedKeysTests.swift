import NIOSSL
import Testing

@testable import Transport

@Suite struct PreSharedKeysTests {
    @Test func aLineIsAnIdentityAndAKeyInHex() throws {
        let keys = try PreSharedKeys(text: "# note\n\na:00Ff\r\nb:c:01", path: "psk")
        #expect(Array(keys.key(of: "a")) == [0x00, 0xFF])
        #expect(Array(keys.key(of: "b:c")) == [0x01])
    }

    @Test func whoDoesNotExistHasAKeyNobodyKnows() throws {
        let keys = try PreSharedKeys(text: "a:00", path: "psk")
        let others = try PreSharedKeys(text: "a:00", path: "psk")
        #expect(keys.key(of: "b").count == 32)
        #expect(Array(keys.key(of: "b")) == Array(keys.key(of: "c")))
        #expect(Array(keys.key(of: "b")) != Array(others.key(of: "b")))
    }

    @Test(arguments: [
        ("a", "psk:1"), ("a:00\n:00", "psk:2"), ("a:", "psk:1"), ("a:0", "psk:1"), ("a:0x", "psk:1"),
        ("a:00\na:01", "psk:2"),
        ("# nothing", "psk"), ("a:00 11", "psk:1"), (String(repeating: "a", count: 129) + ":00", "psk:1"),
        ("a:" + String(repeating: "00", count: 257), "psk:1"),
    ])
    func aLineThatIsNotRightKeepsTheFileOut(text: String, place: String) {
        #expect { try PreSharedKeys(text: text, path: "psk") } throws: { error in
            (error as? TLSFileError)?.place == place && (error as? TLSFileError)?.kind == .preSharedKeys
        }
    }
}
