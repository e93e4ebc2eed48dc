import Messaging
import TestKit
import Testing

@testable import LwM2M

@Suite(.timeLimit(.minutes(2)))
struct GatewayQueueModeTests {
    private func asleep(_ body: (GatewayBench, LwM2MDevice, String) async throws -> Void) async throws {
        try await withGateway { bench in
            let device = try bench.device()
            let location = try await device.register("ep1", lifetime: 3_600, extra: ["b=U", "Q"])
            #expect(bench.broker.session("lwm2m:ep1")?.reachability == .awake)
            await bench.advance(by: .seconds(94))
            #expect(bench.broker.session("lwm2m:ep1")?.reachability == .asleep)
            try await body(bench, device, location)
        }
    }

    @Test func commandsWaitForTheNextUpdate() async throws {
        try await asleep { bench, device, location in
            for hour in 1...3 { try bench.command("ep1/r/3/0/14/set", #""+0\#(hour):00""#) }
            await bench.settle()
            #expect(device.seen.read { $0.requests.isEmpty })
            #expect(bench.broker.session("lwm2m:ep1")?.backlog == 3)
            _ = try await device.update(location)
            for _ in 1...3 { #expect(try await bench.subscriber.text("ep1/report").contains("2.04")) }
            let puts = device.seen.read {
                $0.requests.filter { $0.code == 3 }.map { String(decoding: $0.payload, as: UTF8.self) }
            }
            #expect(puts == ["+01:00", "+02:00", "+03:00"])
        }
    }

    @Test func commandsSurviveANewRegister() async throws {
        try await asleep { bench, device, _ in
            try bench.command("ep1/r/3/0/14/set", #""+05:00""#)
            _ = try await device.register("ep1", extra: ["Q"])
            #expect(try await bench.subscriber.text("ep1/report").contains("2.04"))
            #expect(device.value(of: "/3/0/14") == "+05:00")
        }
    }

    @Test func eachMessageKeepsItAwake() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            let location = try await device.register("ep1", version: "1.0", lifetime: 3_600, extra: ["b=UQ"])
            await bench.advance(by: .seconds(90))
            _ = try await device.update(location)
            await bench.advance(by: .seconds(90))
            #expect(bench.broker.session("lwm2m:ep1")?.reachability == .awake)
            try bench.command("ep1/r/3/0/9/get")
            _ = try await bench.subscriber.next("ep1/report")
            await bench.advance(by: .seconds(90))
            #expect(bench.broker.session("lwm2m:ep1")?.reachability == .awake)
            await bench.advance(by: .seconds(4))
            #expect(bench.broker.session("lwm2m:ep1")?.reachability == .asleep)
        }
    }

    @Test func notificationsWakeIt() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1", lifetime: 3_600, extra: ["Q"])
            try bench.command("ep1/r/3/0/9/observe")
            _ = try await bench.subscriber.next("ep1/report")
            await bench.advance(by: .seconds(94))
            try bench.command("ep1/r/3/0/14/get")
            #expect(bench.broker.session("lwm2m:ep1")?.backlog == 1)
            device.notify("/3/0/9", "50", sequence: 9)
            #expect(try await bench.subscriber.text("ep1/report").contains(#""/3/0/14""#))
        }
    }

    @Test func aTimeoutMeansSleepAndTheRestWaits() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            let location = try await device.register("ep1", lifetime: 3_600, extra: ["Q"])
            device.react { _ in .silence }
            try bench.command("ep1/r/3/0/9/get")
            try bench.command("ep1/r/3/0/14/get")
            _ = try await device.request { $0.path == "/3/0/9" }
            await bench.advance(by: .seconds(46))
            #expect(try await bench.subscriber.text("ep1/report").contains("timeout"))
            #expect(bench.broker.session("lwm2m:ep1")?.reachability == .asleep)
            #expect(bench.broker.session("lwm2m:ep1")?.backlog == 1)
            device.react { _ in .usual }
            _ = try await device.update(location)
            #expect(try await bench.subscriber.text("ep1/report").contains(#""path":"/3/0/14","code":"2.05""#))
        }
    }
}
