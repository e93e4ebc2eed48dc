import Testing

@testable import LwM2M

@Suite struct ObjectPathTests {
    @Test(arguments: ["/", "/3", "/3/0", "/3303/0/5700", "/3/0/6/65534"])
    func roundTripsText(text: String) {
        #expect(ObjectPath(text: text)?.description == text)
    }

    @Test(arguments: ["//", "/3/", "/03", "/3/-1", "/+3", "/65535", "/65536", "/1/2/3/4/5", "/a", "/3//0", "/ 3", "/٣"])
    func refusesOtherSpellings(text: String) {
        #expect(ObjectPath(text: text) == nil)
    }

    @Test func containsItselfAndWhatLiesBelow() {
        #expect(ObjectPath(3, 0).contains(ObjectPath(3, 0, 9)))
        #expect(ObjectPath(3, 0).contains(ObjectPath(3, 0)))
        #expect(!ObjectPath(3, 0).contains(ObjectPath(3)))
        #expect(!ObjectPath(3, 0).contains(ObjectPath(3, 1, 0)))
        #expect(ObjectPath.root.contains(ObjectPath(1)))
    }

    @Test func sortsById() {
        #expect(
            [ObjectPath(10), ObjectPath(3, 0, 1), ObjectPath(3, 0), ObjectPath(3)].sorted()
                == [ObjectPath(3), ObjectPath(3, 0), ObjectPath(3, 0, 1), ObjectPath(10)])
    }
}

@Suite struct ObjectModelTests {
    @Test func knowsTheCoreObjects() {
        for object in UInt16(0)...7 { #expect(ObjectModel.standard[object] != nil) }
        let offset = ObjectModel.standard.resource(at: ObjectPath(3, 0, 14))
        #expect(offset?.type == .string)
        #expect(offset?.operations == [.read, .write])
        #expect(ObjectModel.standard.resource(at: ObjectPath(3, 0, 4))?.operations == .execute)
        #expect(ObjectModel.standard.resource(at: ObjectPath(3, 0, 6, 1))?.isMultiple == true)
        #expect(ObjectModel.standard.resource(at: ObjectPath(5, 0, 0))?.operations == .write)
        #expect(ObjectModel.standard.resource(at: ObjectPath(0, 0, 5))?.operations == [])
    }

    @Test func knowsTheCommonSensors() {
        #expect(ObjectModel.standard.resource(at: ObjectPath(3303, 0, 5700))?.type == .float)
        #expect(ObjectModel.standard.resource(at: ObjectPath(3311, 0, 5850))?.type == .boolean)
        #expect(ObjectModel.standard[3303]?.isMultiple == true)
    }
}
