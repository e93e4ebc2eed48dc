import Settings
import Testing

@Suite struct SettingValuesTests {
    @Test(arguments: [
        ("0", Duration.zero), ("500ms", .milliseconds(500)), ("30s", .seconds(30)), ("5m", .seconds(300)),
        ("2h", .seconds(7200)), ("7d", .seconds(604_800)),
    ])
    func durationsHaveUnits(text: String, duration: Duration) throws {
        #expect(try Duration(setting: text) == duration)
    }

    @Test(arguments: ["", "5", "-1s", "1.5s", "s", "1 s", "1w", "9223372036854775807d", "99999999999999999999s"])
    func otherDurationsAreRefused(text: String) {
        #expect(throws: InvalidSetting.self) { try Duration(setting: text) }
    }

    @Test(arguments: [("0", 0), ("512", 512), ("512B", 512), ("64KB", 65_536), ("64kb", 65_536), ("1MB", 1_048_576), ("2GB", 2_147_483_648)])
    func sizesHaveUnits(text: String, bytes: Int) throws {
        #expect(try ByteSize(setting: text).bytes == bytes)
    }

    @Test(arguments: ["", "MB", "-1", "1.5MB", "1XB", "9223372036854775807GB"])
    func otherSizesAreRefused(text: String) {
        #expect(throws: InvalidSetting.self) { try ByteSize(setting: text) }
    }

    @Test func aWholeNumberKnowsItsRange() throws {
        #expect(try Whole<1, 10>(setting: 10).value == 10)
        #expect(throws: InvalidSetting(expected: "a whole number from 1 to 10")) { try Whole<1, 10>(setting: 11) }
    }
}
