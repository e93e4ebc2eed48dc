import TestKit
import Testing

/// What an operator meets before the gateway serves.
@Suite struct StartTests {
    private func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> (status: Int32, errors: [String], output: [String]) {
        let program = try RunningApus.start(arguments, environment: environment)
        return (try await program.exitStatus(), program.errorLines, program.lines)
    }

    @Test(arguments: [
        ("mqtt.tcp.prot=1", "apus: mqtt.tcp.prot is not a known key (--set mqtt.tcp.prot): did you mean mqtt.tcp.port?"),
        (
            "mqtt.tcp.port=99999",
            "apus: mqtt.tcp.port is \"99999\", which is not valid (--set mqtt.tcp.port): it needs a whole number from 0 to 65535"
        ),
        (
            "coap.udp.address=0.0.0.0",
            "apus: coap.udp.address is 0.0.0.0, which other machines can reach, and nobody has to prove who they are there "
                + "(--set coap.udp.address): use 127.0.0.1, name a file in access.password_file, "
                + "or set allow_anonymous: true if that is what you want"
        ),
        (
            "admin.http.address=0.0.0.0",
            "apus: admin.http.address is 0.0.0.0, which other machines can reach, and nobody has to prove who they are there "
                + "(--set admin.http.address): use 127.0.0.1, or set admin.http.allow_remote: true if that is what you want"
        ),
        (
            "mqtt.tcp.address=localhost",
            "apus: mqtt.tcp.address is \"localhost\", which is not a numeric address (--set mqtt.tcp.address): "
                + "write 127.0.0.1, ::1, or 0.0.0.0 for every address of this machine"
        ),
        (
            "mqttsn.predefined_topics={0: a}",
            "apus: mqttsn.predefined_topics.0 is not a topic id (--set mqttsn.predefined_topics): "
                + "use a whole number from 1 to 65534"
        ),
        (
            "sys_interval=1ms",
            "apus: sys_interval is out of range (--set sys_interval): it needs a value from 100ms to 1d"
        ),
    ])
    func aWrongSettingIsOneSentenceAndStatus78(setting: String, sentence: String) async throws {
        for command in ["serve", "check"] {
            let result = try await run([command, "--set", setting])
            #expect(result.status == 78)
            #expect(result.errors == [sentence])
            #expect(result.output.isEmpty)
        }
    }

    @Test(arguments: [
        (
            "store.topics={a/#/b: disk}",
            "apus: store.topics.a/#/b is not a topic filter (--set store.topics): use one like telemetry/#"
        ),
        (
            "store.listeners={nosuch: disk}",
            "apus: store.listeners.nosuch is no listener (--set store.listeners): use one of mqtt.tcp, mqtt.tls, mqtt.ws, mqtt.wss, mqtt.unix, mqttsn.udp, coap.udp, mqttsn.dtls"
        ),
        (
            "store.topics={a: safe}",
            "apus: store.topics.a is \"safe\", which is no level (--set store.topics): use memory, process or disk"
        ),
    ])
    func aWrongDurabilityIsNamed(setting: String, sentence: String) async throws {
        let result = try await run(["check", "--set", setting])
        #expect(result.status == 78)
        #expect(result.errors == [sentence])
    }

    @Test func aStoreInUseIsOneSentenceAndStatus69() async throws {
        let apus = try await RunningApus()
        let second = try await run(["serve", "--set", "mqtt.tcp.port=0", "--set", "data_dir=\(apus.dataDirectory)"])
        #expect(second.status == 69)
        #expect(second.errors.count == 1)
        #expect(second.errors.first?.hasPrefix("apus: the store is in use by another process") == true)
        #expect(try await run(["store", "info", "--set", "data_dir=\(apus.dataDirectory)"]).output
                .contains { $0.hasPrefix("in use:") && $0.hasSuffix(" yes") })
    }

    @Test func theBannerSaysWhatIsKeptAndWhere() async throws {
        let apus = try await RunningApus()
        #expect(
            apus.program.lines.contains(
                "Sessions and retained messages are kept in \(apus.dataDirectory)/apus.db, durability disk."))
    }

    /// The end of the banner's row for a listener.
    private func example(_ listener: String, _ settings: [String]) async throws -> String {
        let apus = try await RunningApus(settings)
        let port = ":\(try apus.port(listener)) "
        let row = try #require(apus.program.lines.first { $0.contains(port) })
        #expect(try await apus.stop() == 0)
        return row.replacing(port.dropFirst().dropLast(), with: "PORT")
    }

    @Test func theBannersCommandsSayWhatTheListenerAsksFor() async throws {
        let keys = try TemporaryFile("sensor:0123456789abcdef\n")
        let users = try TemporaryFile("")
        let certificates = try await Certificates()
        let required = certificates.settings + ["mqtt.tls.enabled=true", "mqtt.tls.client_certificate=required"]
        let examples = [
            (try await example("mqtt.tcp", []), " mosquitto_sub -h 127.0.0.1 -p PORT -v -t '#'"),
            (
                try await example("mqtt.ws", []),
                "/apus sub --ws -h 127.0.0.1 -p PORT --path /mqtt -v -t '#'  # ws://127.0.0.1:PORT/mqtt"
            ),
            (
                try await example("mqtt.tcp", ["access.password_file=\(users.path)"]),
                " -p PORT -u USER -P PASSWORD -v -t '#'"
            ),
            (
                try await example("mqtt.tls", required),
                " -p PORT --cafile CA-OF-THE-CERTIFICATE --cert CERTIFICATE --key ITS-KEY -v -t '#'"
            ),
            (
                try await example("mqtt.tls", ["mqtt.tls.enabled=true", "mqtt.tls.psk_file=\(keys.path)"]),
                " -p PORT --psk-identity IDENTITY --psk KEY-IN-HEX -v -t '#'"
            ),
        ]
        for (row, end) in examples { #expect(row.hasSuffix(end)) }
    }

    @Test func aWrongVariableIsNamed() async throws {
        let result = try await run(["serve"], environment: ["APUS_LOG__LEVEL": "loud"])
        #expect(result.status == 78)
        #expect(result.errors.first?.contains("environment variable APUS_LOG__LEVEL") == true)
    }

    @Test func aMissingFileIsNamed() async throws {
        let result = try await run(["serve", "--config", "/nowhere/apus.yaml"])
        #expect(result.status == 78)
        #expect(result.errors == ["apus: the configuration file does not exist (/nowhere/apus.yaml:1:1): check the path after --config"])
    }

    @Test func wrongUseIsStatus64() async throws {
        #expect(try await run(["serve", "--nonsense"]).status == 64)
        #expect(try await run(["pub", "-t", "a/#", "-m", "x"]).status == 64)
    }

    @Test func theVersionIsShown() async throws {
        let result = try await run(["--version"])
        #expect(result.status == 0)
        #expect(result.output.first?.first?.isNumber == true)
    }

    @Test func checkShowsTheLayerOfEachValue() async throws {
        let result = try await run(
            ["check", "--set", "mqtt.tcp.port=1"], environment: ["APUS_LOG__LEVEL": "debug"])
        #expect(result.status == 0)
        #expect(result.output.contains { $0.hasPrefix("mqtt.tcp.port: 1 ") && $0.hasSuffix("# --set mqtt.tcp.port") })
        #expect(result.output.contains { $0.hasPrefix("log.level: debug ") && $0.hasSuffix("# environment variable APUS_LOG__LEVEL") })
        #expect(result.output.contains { $0.hasPrefix("coap.udp.port: 5683 ") && $0.hasSuffix("# default") })
    }

    @Test func thePrintedDefaultsAreAValidFile() async throws {
        let defaults = try await run(["check", "--defaults"]).output.joined(separator: "\n")
        let file = try TemporaryFile(defaults)
        #expect(try await run(["check", "--config", file.path]).status == 0)
    }

    @Test(arguments: ["mqtt.tcp", "mqtt.ws", "mqttsn.udp", "coap.udp", "admin.http"])
    func aPortInUseIsOneSentenceAndNothingIsHalfStarted(listener: String) async throws {
        let apus = try await RunningApus()
        let port = try apus.port(listener)
        let others = ["mqtt.tcp", "mqtt.ws", "mqttsn.udp", "coap.udp", "admin.http"].filter { $0 != listener }
        let second = try await run(
            ["serve", "--set", "store.durability=memory", "--set", "\(listener).port=\(port)"] + others.flatMap { ["--set", "\($0).port=0"] })
        #expect(second.status == 69)
        #expect(second.output.isEmpty)
        #expect(
            second.errors == [
                "apus: \(listener) cannot listen on 127.0.0.1 port \(port), because another process uses that port: "
                    + "stop it, or set \(listener).port to another one (--set \(listener).port)"
            ])
        try await apus.expectServing()
    }

    @Test func sigtermStopsIt() async throws {
        let apus = try await RunningApus()
        #expect(try await apus.stop() == 0)
    }
}
