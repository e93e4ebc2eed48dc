import CoAP
import Messaging
import Testing

@testable import LwM2M

/// The conversation with one device, without sockets, broker and clock.
@Suite struct DeviceMachineTests {
    private let start = Timestamp(nanoseconds: 0)

    private func machine(
        queueMode: Bool = false, objects: [String] = ["/1/0", "/3/0"],
        _ change: (inout LwM2MConfiguration) -> Void = { _ in }
    ) throws -> DeviceMachine {
        let parameters = try RegistrationParameters(
            queries: ["ep=a", "lwm2m=1.1"] + (queueMode ? ["Q"] : []))
        let registration = try Registration(
            parameters, objects: ObjectList(links: objects.map { Link(target: $0) }), lifetimes: LifetimePolicy())
        var configuration = LwM2MConfiguration()
        change(&configuration)
        return DeviceMachine(registration, model: .standard, settings: configuration.machine, now: start)
    }

    private func after(_ seconds: Int64) -> Timestamp { start + .seconds(seconds) }

    private let battery = ObjectPath(3, 0, 9)

    private func content(_ text: String, observe: UInt32? = nil) -> CoAPOutcome {
        .response(CoAPResponse(.content, contentFormat: .textPlain, observe: observe, payload: Array(text.utf8)))
    }

    @Test func takesOneCommandAtATime() throws {
        var machine = try machine()
        #expect(machine.start(continuing: nil) == [.take])
        let request = CoAPOutgoingRequest(.get, path: ["3", "0", "9"])
        #expect(machine.handle(command: .read(battery), isRepeated: false) == [.send(exchange: 1, request)])
        #expect(machine.proceed() == [])
        let actions = machine.handle(outcome: content("99"), of: 1, now: start)
        #expect(actions.first == .value(battery, .integer(99)))
        #expect(actions.suffix(2) == [.settle(answered: true), .take])
    }

    @Test func ignoresOutcomesOfOtherExchanges() throws {
        var machine = try machine()
        _ = machine.handle(command: .read(battery), isRepeated: false)
        #expect(machine.handle(outcome: content("1"), of: 7, now: start) == [])
        #expect(machine.handle(ended: .timeout, of: 7, now: start) == [])
    }

    @Test func errandsGoBeforeTheMailbox() throws {
        var machine = try machine()
        _ = machine.handle(command: .write(ObjectPath(3, 0, 14), .string("x")), isRepeated: false)
        let actions = machine.handle(outcome: .response(CoAPResponse(.changed)), of: 1, now: start)
        #expect(actions.last == .send(exchange: 2, CoAPOutgoingRequest(.get, path: ["3", "0", "14"])))
        #expect(
            machine.handle(outcome: content("x"), of: 2, now: start)
                == [.value(ObjectPath(3, 0, 14), .string("x")), .take])
    }

    @Test func writeOnlyResourcesAreNotReadBack() throws {
        var machine = try machine()
        _ = machine.handle(command: .write(ObjectPath(5, 0, 0), .opaque([1])), isRepeated: false)
        #expect(machine.handle(outcome: .response(CoAPResponse(.changed)), of: 1, now: start).last == .take)
    }

    @Test func observationsContinueInANewRegistration() throws {
        var first = try machine(objects: ["/3/0", "/3303/0"])
        for (number, path) in [battery, ObjectPath(3303, 0, 5700)].enumerated() {
            _ = first.handle(command: .observe(path), isRepeated: false)
            _ = first.handle(outcome: content("1", observe: 5), of: number + 1, now: start)
        }
        var second = try machine(objects: ["/3/0"])
        // The values of what is gone are cleared, the observations of what is left begin again.
        #expect(
            second.start(continuing: first) == [
                .value(ObjectPath(3303, 0, 5700), nil),
                .observe(exchange: 1, CoAPOutgoingRequest(.get, path: ["3", "0", "9"])),
            ])
        #expect(first.end() == [.forget(observation: 1), .forget(observation: 2)])
    }

    @Test func errandsOfASleepingDeviceAreKept() throws {
        var first = try machine(queueMode: true)
        _ = first.handle(command: .observe(battery), isRepeated: false)
        _ = first.handle(outcome: content("1", observe: 5), of: 1, now: start)
        var second = try machine(queueMode: true)
        _ = second.start(continuing: first)
        #expect(second.handle(ended: .timeout, of: 1, now: after(45)) == [.supervise(.asleep)])
        #expect(second.proceed() == [])
        #expect(
            second.heard(after(100)) == [
                .supervise(.awake), .observe(exchange: 2, CoAPOutgoingRequest(.get, path: ["3", "0", "9"])),
            ])
    }

    @Test func sleepsAfterItsAwakeTimeButNotInMidExchange() throws {
        var machine = try machine(queueMode: true)
        #expect(machine.deadline == after(93))
        _ = machine.handle(command: .read(battery), isRepeated: false)
        #expect(machine.tick(after(93)) == [])
        _ = machine.handle(outcome: content("1"), of: 1, now: after(94))
        #expect(machine.deadline == after(187))
        #expect(machine.tick(after(187)) == [.supervise(.asleep)])
        #expect(machine.deadline == nil)
        #expect(machine.proceed() == [])
    }

    @Test func otherDevicesNeverSleep() throws {
        var machine = try machine()
        #expect(machine.deadline == nil)
        #expect(machine.tick(after(100_000)) == [])
    }

    @Test(arguments: [LwM2M.Operation.execute(ObjectPath(3, 0, 4), arguments: ""), .create(ObjectPath(3303), [])])
    func whatCouldDoHarmTwiceIsNotRepeated(operation: LwM2M.Operation) throws {
        var machine = try machine()
        let report = Report(operation, code: "interrupted", message: CommandError.interrupted.message)
        #expect(
            machine.handle(command: operation, isRepeated: true)
                == [.report(report, toRequester: true), .settle(answered: false), .take])
    }

    @Test func endingReportsTheCommandOnTheWay() throws {
        var machine = try machine()
        _ = machine.handle(command: .read(battery), isRepeated: false)
        let report = Report(.read(battery), code: "interrupted", message: CommandError.interrupted.message)
        #expect(machine.end() == [.report(report, toRequester: true), .settle(answered: false)])
        #expect(machine.end() == [])
    }

    @Test func aFailedErrandIsReportedToo() throws {
        var machine = try machine()
        _ = machine.handle(command: .write(ObjectPath(3, 0, 14), .string("x")), isRepeated: false)
        _ = machine.handle(outcome: .response(CoAPResponse(.changed)), of: 1, now: start)
        let actions = machine.handle(outcome: .response(CoAPResponse(.unauthorized)), of: 2, now: start)
        let report = Report(.read(ObjectPath(3, 0, 14)), code: "4.01", message: "unauthorized")
        #expect(actions == [.report(report, toRequester: false), .take])
    }

    @Test func aMovedDeviceIsObservedAgain() throws {
        var machine = try machine()
        _ = machine.handle(command: .observe(battery), isRepeated: false)
        _ = machine.handle(outcome: content("1", observe: 5), of: 1, now: start)
        #expect(
            machine.update(machine.registration, movedAddress: true, now: start) == [
                .forget(observation: 1), .observe(exchange: 2, CoAPOutgoingRequest(.get, path: ["3", "0", "9"])),
            ])
    }
}
