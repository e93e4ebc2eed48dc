import Dispatch
import Messaging
import Testing

@testable import Access

@Suite struct PasswordAuthenticatorTests {
    private func file(_ users: [String: String], iterations: Int = 10) throws -> PasswordFile {
        let lines = users.map { "\($0.key):\(PasswordHash(Array($0.value.utf8), iterations: iterations).text)\n" }
        return try PasswordFile(text: lines.joined(), path: "users")
    }

    private func ask(
        _ authenticator: PasswordAuthenticator, _ name: String?, _ password: String?, listener: String = "mqtt.tcp"
    ) async -> Result<Principal, ConnectRefusal> {
        let peer = Peer(address: "127.0.0.1:1", isLoopback: true, listener: listener)
        let credentials = Credentials(
            clientID: ClientID("c"), username: name, password: password.map { Secret(Array($0.utf8)) }, peer: peer)
        return await withCheckedContinuation { continuation in
            authenticator.authenticate(credentials) { continuation.resume(returning: $0) }
        }
    }

    @Test func letsInWhoKnowsThePassword() async throws {
        let authenticator = PasswordAuthenticator(try file(["alice": "right"]), anonymous: AnonymousAccess())
        let principal = try await ask(authenticator, "alice", "right").get()
        #expect(principal.kind == .user("alice"))
        #expect(principal.clientID == ClientID("c"))
        #expect(authenticator.stillHolds(principal))
    }

    @Test(arguments: [
        ("alice", "wrong", ConnectRefusal.badCredentials), ("alice", nil, .badCredentials), ("nobody", "right", .badCredentials),
        ("", "", .badCredentials), (nil, nil, .notAuthorized), (nil, "right", .notAuthorized),
    ] as [(String?, String?, ConnectRefusal)])
    func refusesEverybodyElse(name: String?, password: String?, refusal: ConnectRefusal) async throws {
        let authenticator = PasswordAuthenticator(try file(["alice": "right"]), anonymous: AnonymousAccess())
        #expect(await ask(authenticator, name, password) == .failure(refusal))
    }

    @Test func noNameComesInWhereThatIsAllowed() async throws {
        let everywhere = PasswordAuthenticator(try file([:]), anonymous: AnonymousAccess(isAllowed: true))
        #expect(try await ask(everywhere, nil, nil).get().kind == .anonymous)
        let sensors = PasswordAuthenticator(try file([:]), anonymous: AnonymousAccess(listeners: ["mqttsn.udp"]))
        #expect(try await ask(sensors, nil, nil, listener: "mqttsn.udp").get().kind == .anonymous)
        #expect(await ask(sensors, nil, nil) == .failure(.notAuthorized))
        #expect(await ask(sensors, "nobody", "x", listener: "mqttsn.udp") == .failure(.badCredentials))
    }

    @Test func aChangedOrRemovedUserHoldsNoLonger() async throws {
        let first = try file(["same": "1", "changed": "1", "removed": "1"])
        let authenticator = PasswordAuthenticator(first, anonymous: AnonymousAccess())
        var principals: [String: Principal] = [:]
        for name in first.users.keys { principals[name] = try await ask(authenticator, name, "1").get() }
        let kept = try #require(first.users["same"])
        authenticator.replace(
            try PasswordFile(
                text: "same:\(kept.text)\nchanged:\(PasswordHash(Array("2".utf8), iterations: 1).text)\n", path: "users"))
        let held = principals.filter { authenticator.stillHolds($0.value) }
        #expect(held.keys.sorted() == ["same"])
        #expect(await ask(authenticator, "changed", "1") == .failure(.badCredentials))
        #expect(try await ask(authenticator, "changed", "2").get().kind == .user("changed"))
    }

    @Test func aFullQueueTurnsLoginsAway() async throws {
        let checks = CheckQueue(threads: 1, limit: 1)
        let authenticator = PasswordAuthenticator(
            try file(["alice": "right"]), anonymous: AnonymousAccess(), checks: checks)
        let gate = DispatchSemaphore(value: 0)
        #expect(checks.submit { gate.wait() })
        #expect(await ask(authenticator, "alice", "right") == .failure(.unavailable))
        #expect(checks.refused.current == 1)
        gate.signal()
    }

    /// As many iterations for a name that does not exist as for the costliest that does.
    @Test func anUnknownUserCostsTheSameTime() async throws {
        let cheap = PasswordHash(Array("p".utf8), iterations: 1).text
        let costly = PasswordHash(Array("p".utf8), iterations: 100_000).text
        let authenticator = PasswordAuthenticator(
            try PasswordFile(text: "cheap:\(cheap)\ncostly:\(costly)\n", path: "users"), anonymous: AnonymousAccess())
        var times: [String: Duration] = [:]
        for _ in 0..<3 {
            for name in ["cheap", "costly", "unknown"] {
                let start = ContinuousClock.now
                _ = await ask(authenticator, name, "wrong")
                times[name] = min(times[name] ?? .seconds(100), ContinuousClock.now - start)
            }
        }
        let costliest = try #require(times["costly"])
        for time in times.values { #expect(time > costliest / 3) }
    }
}
