import Foundation
import Messaging
import TestKit
import Testing

@testable import Access

@Suite struct ScramExchangeTests {
    private enum Answer: Equatable {
        case challenge(String)
        case success(Principal, String)
        case refused(ConnectRefusal)
    }

    private static let salt = Array(Data(base64Encoded: "W22ZaJ0SNY7soEsUEjb6gQ==") ?? Data())
    private static let pencil = ScramKeys(Array("pencil".utf8), salt: salt, iterations: 4_096)

    private func exchange(_ nonce: String = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0") -> ScramExchange {
        ScramExchange(clientID: ClientID("c"), nonce: nonce) { name in
            ScramExchange.User(salt: Self.salt, iterations: 4_096, keys: name == "user" ? Self.pencil : nil, proof: 7)
        }
    }

    private func say(_ exchange: any AuthenticationExchange, _ text: String) -> Answer? {
        let answer = Shared<Answer?>(nil)
        exchange.respond(to: Secret(Array(text.utf8))) { step in
            answer.change { answer in
                answer =
                    switch step {
                    case .challenge(let data): .challenge(String(decoding: data.octets, as: UTF8.self))
                    case .success(let principal, let data): .success(principal, String(decoding: data.octets, as: UTF8.self))
                    case .refused(let refusal): .refused(refusal)
                    }
            }
        }
        return answer.read { $0 }
    }

    private static let first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    private static let challenge =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    private static let final =
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

    /// RFC 7677, 3
    @Test func theExampleOfTheStandard() {
        let exchange = exchange()
        #expect(say(exchange, Self.first) == .challenge(Self.challenge))
        let principal = Principal(kind: .user("user"), clientID: ClientID("c"), proof: 7)
        #expect(say(exchange, Self.final) == .success(principal, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="))
        #expect(say(exchange, Self.final) == .refused(.badCredentials), "an exchange is over once")
    }

    @Test func anUnknownUserIsAskedLikeAnyOther() {
        let exchange = exchange()
        let first = Self.first.replacingOccurrences(of: "user", with: "nobody")
        #expect(say(exchange, first) == .challenge(Self.challenge))
        #expect(say(exchange, Self.final) == .refused(.badCredentials))
    }

    @Test(arguments: [
        ("dHzb", "dHzc"), ("biws", "eSws"), ("rOpr", "rOps"), ("hNlF$k0", "hNlF$k1"), (",p=", ",q="), ("c=biws,", ""), ("p=dHzb", "p=*"),
        ("c=biws", "c=biws,m=1"),
    ])
    func aChangedFinalMessageIsRefused(_ from: String, _ to: String) {
        let exchange = exchange()
        _ = say(exchange, Self.first)
        #expect(say(exchange, Self.final.replacingOccurrences(of: from, with: to)) == .refused(.badCredentials))
    }

    /// Channel binding asked for, somebody to act as, no name, no nonce, escapes that are none, other order.
    @Test(arguments: [
        "", "n", "n,,", "p=tls-unique,,n=user,r=x", "n,a=other,n=user,r=x", "n,,n=,r=x", "n,,n=user,r=", "n,,n=user", "n,,r=x,n=user",
        "n,,n=us=er,r=x", "n,,n=us=2cer,r=x", "n,,n=user,r=\u{7f}", "x,,n=user,r=x", "n,,m=1,n=user,r=x",
    ])
    func aFirstMessageOutOfOrderIsRefused(_ text: String) {
        #expect(say(exchange(), text) == .refused(.badCredentials))
    }

    @Test func namesAreUnescaped() {
        #expect(ScramClientFirst(Array("y,a=a=2Cb,n=a=2Cb,r=x,ext=1".utf8))?.userName == "a,b")
        #expect(ScramClientFirst(Array("n,,n=a=3Db,r=x".utf8))?.userName == "a=b")
    }

    @Test func tenThousandMutatedMessagesAreRefused() {
        var generator = SeededGenerator(seed: 7_677)
        for round in 0..<10_000 {
            _ = ScramClientFirst(generator.mutate(Array(Self.first.utf8)))
            let final = generator.mutate(Array(Self.final.utf8))
            guard round.isMultiple(of: 10), final != Array(Self.final.utf8) else {
                _ = ScramClientFinal(final)
                continue
            }
            let exchange = exchange()
            _ = say(exchange, Self.first)
            #expect(say(exchange, String(decoding: final, as: UTF8.self)) == .refused(.badCredentials))
        }
    }

    // MARK: The authenticator

    private func authenticator(_ lines: String) throws -> PasswordAuthenticator {
        PasswordAuthenticator(try PasswordFile(text: lines, path: "users"), anonymous: AnonymousAccess())
    }

    private static let credentials = Credentials(
        clientID: ClientID("c"), peer: Peer(address: "127.0.0.1:1", isLoopback: true, listener: "mqtt.tcp"))

    @Test func theMethodIsOfferedWhereAUserHasKeys() throws {
        let plain = "plain:\(PasswordHash([1], iterations: 1).text)\n"
        #expect(try authenticator(plain).begin("SCRAM-SHA-256", Self.credentials) == nil)
        let both = try authenticator(plain + "keys:\(PasswordHash(scram: [1], iterations: 1).text)\n")
        #expect(both.begin("SCRAM-SHA-256", Self.credentials) != nil)
        #expect(both.begin("SCRAM-SHA-1", Self.credentials) == nil)
        for name in ["plain", "unknown"] {
            let one = say(try #require(both.begin("SCRAM-SHA-256", Self.credentials)), "n,,n=\(name),r=x")
            let two = say(try #require(both.begin("SCRAM-SHA-256", Self.credentials)), "n,,n=\(name),r=x")
            guard case .challenge(let first) = one, case .challenge(let second) = two else {
                Issue.record("no challenge")
                return
            }
            #expect(first.split(separator: ",")[0] != second.split(separator: ",")[0], "a nonce is new each time")
            #expect(first.split(separator: ",")[1] == second.split(separator: ",")[1], "a salt stays, as a real one does")
        }
    }

    @Test func aUserWithKeysMayAlsoSendItsPassword() throws {
        let hash = PasswordHash(scram: Array("pencil".utf8), iterations: 10)
        let parsed = try PasswordHash(hash.text)
        #expect(parsed == hash)
        #expect(parsed.matches(Array("pencil".utf8)))
        #expect(!parsed.matches(Array("pencils".utf8)))
    }
}
