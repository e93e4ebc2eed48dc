import Messaging
import TestKit
import Testing

@testable import LwM2M

@Suite(.timeLimit(.minutes(2)))
struct GatewayObserveTests {
    @Test func notificationsBecomeRetainedValues() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            try bench.command("ep1/r/3/0/9/observe")
            #expect(
                try await bench.subscriber.text("ep1/report").hasSuffix(
                    #""code":"2.05","message":"content","content":{"/3/0/9":100},"observing":true}"#))
            #expect(bench.retained("ep1/r/3/0/9") == "100")
            device.notify("/3/0/9", "99", sequence: 1)
            _ = try await bench.subscriber.next("ep1/r/3/0/9")
            #expect(try await bench.subscriber.text("ep1/r/3/0/9") == "99")
        }
    }

    @Test func staleNotificationsAreDroppedAcrossTheWrap() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            try bench.command("ep1/r/3/0/9/observe")
            _ = try await bench.subscriber.next("ep1/r/3/0/9")
            // RFC 7641 3.4: 24-bit sequence arithmetic.
            device.notify("/3/0/9", "1", sequence: 5_000_000)
            device.notify("/3/0/9", "stale", sequence: 4_999_999)
            device.notify("/3/0/9", "2", sequence: 12_000_000)
            device.notify("/3/0/9", "3", sequence: 16_777_215)
            device.notify("/3/0/9", "4", sequence: 0)
            device.notify("/3/0/9", "stale", sequence: 16_777_214)
            device.notify("/3/0/9", "5", sequence: 1)
            for value in 1...5 { #expect(try await bench.subscriber.text("ep1/r/3/0/9") == "\(value)") }
        }
    }

    @Test func cancellingAsksTheDeviceAndRefusesWhatStillComes() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            try bench.command("ep1/r/3/0/9/observe")
            _ = try await bench.subscriber.next("ep1/report")
            let token = try #require(device.token(of: "/3/0/9"))
            try bench.command("ep1/r/3/0/9/cancel")
            #expect(
                try await bench.subscriber.text("ep1/report").contains(#""op":"cancel","path":"/3/0/9","code":"2.05""#))
            let cancel = try await device.request { $0.integer(CoAPDatagram.Number.observe) == 1 }
            #expect(cancel.token == token)
            #expect(device.observedPaths.isEmpty)
            let messageID = try #require(device.notify("/3/0/9", "98", sequence: 5, token: token))
            #expect(await device.seen.wait(within: .patience) { $0.resets.contains(messageID) ? true : nil } == true)
            #expect(bench.retained("ep1/r/3/0/9") == "100")
            try bench.command("ep1/r/3/0/9/cancel")
            #expect(try await bench.subscriber.text("ep1/report").contains("not_observed"))
        }
    }

    @Test func observationsAreSetUpAgainAfterRegister() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            for resource in [9, 14] {
                try bench.command("ep1/r/3/0/\(resource)/observe")
                _ = try await bench.subscriber.next("ep1/report")
            }
            let reborn = try bench.device()
            _ = try await reborn.register("ep1")
            _ = try await reborn.request { $0.path == "/3/0/14" }
            await bench.settle()
            #expect(reborn.seen.read { $0.requests.map(\.path) } == ["/3/0/9", "/3/0/14"])
            #expect(reborn.observedPaths == ["/3/0/14", "/3/0/9"])
        }
    }

    @Test func aSlowDecisionOnANewRegisterKeepsThem() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            try bench.command("ep1/r/3/0/9/observe")
            _ = try await bench.subscriber.next("ep1/report")
            bench.broker.parkConnects()
            let reborn = try bench.device()
            async let location = reborn.register("ep1")
            #expect(await reborn.seen.wait(within: .patience) { $0.acknowledgements.first } != nil)
            bench.broker.releaseConnects()
            _ = try await location
            _ = try await reborn.request { $0.path == "/3/0/9" && $0.integer(CoAPDatagram.Number.observe) == 0 }
            #expect(bench.retained("ep1/status")?.contains("online") == true)
            #expect(
                !bench.broker.published.contains { String(decoding: $0.payload, as: UTF8.self).contains("taken_over") })
        }
    }

    @Test func observationsFollowTheDeviceToANewAddress() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            let location = try await device.register("ep1")
            try bench.command("ep1/r/3/0/9/observe")
            _ = try await bench.subscriber.next("ep1/report")
            let moved = try bench.device()
            _ = try await moved.update(location)
            _ = try await moved.request { $0.integer(CoAPDatagram.Number.observe) == 0 }
        }
    }

    @Test func anErrorNotificationEndsTheObservation() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            _ = try await bench.subscriber.next("ep1/event")
            try bench.command("ep1/r/3/0/9/observe")
            _ = try await bench.subscriber.next("ep1/report")
            device.notify("/3/0/9", "", sequence: 0, code: CoAPDatagram.code(4, 4))
            #expect(
                try await bench.subscriber.text("ep1/event")
                    == #"{"event":"observation_ended","path":"/3/0/9","code":"4.04"}"#)
            try bench.command("ep1/r/3/0/9/cancel")
            #expect(try await bench.subscriber.text("ep1/report").contains("not_observed"))
        }
    }

    @Test func aDeviceThatWillNotObserveIsReported() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            device.react { _ in .answer(code: CoAPDatagram.code(2, 5), options: [.init(12, uint: 0)], payload: [0x37]) }
            try bench.command("ep1/r/3/0/9/observe")
            #expect(
                try await bench.subscriber.text("ep1/report").contains(#""content":{"/3/0/9":7},"observing":false"#))
        }
    }

    @Test func theLimitOnObservationsHolds() async throws {
        try await withGateway {
            $0.observationsPerDevice = 1
        } _: { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            try bench.command("ep1/r/3/0/9/observe")
            try bench.command("ep1/r/3/0/14/observe")
            _ = try await bench.subscriber.next("ep1/report")
            #expect(try await bench.subscriber.text("ep1/report").contains("limit_reached"))
        }
    }
}
