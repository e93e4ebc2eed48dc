import Foundation
import Glibc
import Messaging
import TestKit
import Testing

@testable import Storage

@Suite struct StoreLockTests {
    @Test func whoHasItKeepsOthersAway() throws {
        let path = Self.path()
        defer { unlink(path) }
        let lock = try StoreLock(path: path)
        #expect(throws: StoreError.self) { _ = try StoreLock(path: path) }
        withExtendedLifetime(lock) {}
    }

    /// A process that another thread is about to start has copies of all descriptors until it becomes another program.
    @Test func itIsFreeAlthoughACopyOfItsDescriptorIsOpen() throws {
        let path = Self.path()
        defer { unlink(path) }
        let copy = try Self.copyOfALockGivenBack(path)
        defer { close(copy) }
        #expect(copy >= 0)
        #expect(throws: Never.self) { _ = try StoreLock(path: path) }
    }

    private static func copyOfALockGivenBack(_ path: String) throws -> CInt {
        let lock = try StoreLock(path: path)
        return withExtendedLifetime(lock) { dup(lock.descriptor) }
    }

    private static func path() -> String {
        FileManager.default.temporaryDirectory.appending(path: "apus-lock-\(UUID().uuidString)").path
    }
}
