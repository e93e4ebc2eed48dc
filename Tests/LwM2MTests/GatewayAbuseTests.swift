import Messaging
import TestKit
import Testing

@testable import LwM2M

@Suite(.timeLimit(.minutes(3)))
struct GatewayAbuseTests {
    @Test(arguments: ["lwm2m/wakaama.txt", "lwm2m/anjay215.txt"])
    func serves10000DamagedDatagramsAndThenAHealthyDevice(fixture: String) async throws {
        try await withGateway { bench in
            let seeds = try RecordedConversation(fixture).datagrams.filter { $0.side == .client }.map(\.bytes)
            let attacker = try bench.device()
            var random = SeededGenerator(seed: 5_683)
            for number in 0..<10_000 {
                attacker.send(random.mutate(seeds[number % seeds.count]))
                // An answered request now and then keeps the socket's buffer from hiding the rest.
                if number.isMultiple(of: 100) { _ = try await attacker.ask(1, "/rd") }
            }
            let device = try bench.device()
            let location = try await device.register("healthy")
            try bench.command("healthy/r/3/0/9/get")
            #expect(try await bench.subscriber.text("healthy/r/3/0/9") == "100")
            #expect(try await device.deregister(location).codeText == "2.02")
        }
    }

    /// What a registered device answers may be anything, too: every command still ends in a report.
    @Test func everyCommandEndsInAReportWhateverTheDeviceAnswers() async throws {
        try await withGateway {
            $0.readsBackWrites = false
        } _: { bench in
            let body = try #require(try RecordedConversation("lwm2m/wakaama.txt").fromClient("cf=11542").first).payload
            let device = try bench.device()
            _ = try await device.register("ep1")
            let random = Shared(SeededGenerator(seed: 11_543))
            device.react { _ in
                random.change { random in
                    let format = [0, 40, 42, 110, 112, 1542, 11_542, 65_000].randomElement(using: &random) ?? 0
                    let code = [0x45, 0x44, 0x84, 0x85, 0x86, 0x8F, 0xA0, 0x5F].randomElement(using: &random) ?? 0x45
                    return .answer(
                        code: UInt8(code), options: [.init(CoAPDatagram.Number.contentFormat, uint: format)],
                        payload: random.mutate(body))
                }
            }
            let commands = ["3/0/get", "3/get", "3/0/9/get", "3/0/6/get", "3/discover", "3/0/9/observe", "3/0/14/set"]
            for number in 0..<500 {
                try bench.command("ep1/r/\(commands[number % commands.count])", #""x""#)
                _ = try await bench.subscriber.next("ep1/report")
            }
        }
    }

    @Test func aDeviceCannotMakeTopicsWithoutEnd() async throws {
        try await withGateway {
            $0.valuesPerDevice = 3
        } _: { bench in
            let body = try #require(try RecordedConversation("lwm2m/wakaama.txt").fromClient("cf=11542").first).payload
            let device = try bench.device(["/3/0": .init(format: 11542, body)])
            _ = try await device.register("ep1")
            try bench.command("ep1/r/3/0/get")
            #expect(try await bench.subscriber.text("ep1/report").contains("/3/0/16"))
            #expect(bench.broker.published.filter { $0.topic.string.hasPrefix("lwm2m/ep1/r/") && $0.retain }.count == 3)
        }
    }
}
