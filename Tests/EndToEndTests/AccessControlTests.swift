import Foundation
import TestKit
import Testing

/// Password and ACL files: made with `apus passwd`, in force for every protocol, changed while clients are connected.
@Suite struct AccessControlTests {
    private static let rules = """
        topic read public/#
        pattern readwrite devices/%c/#
        user alice
        topic home/#
        topic devices/#
        user bob
        topic read home/+
        """

    private struct Files {
        let users: TemporaryFile
        let rules: TemporaryFile

        init() async throws {
            users = try TemporaryFile("")
            rules = try TemporaryFile(AccessControlTests.rules)
            for name in ["alice", "bob"] { try await setPassword(of: name, to: "\(name)'s") }
        }

        func setPassword(of name: String, to password: String) async throws {
            let program = try RunningApus.start(["passwd", "-b", users.path, name, password])
            try #require(try await program.exitStatus() == 0)
        }

        func change(_ file: TemporaryFile, _ text: String) throws {
            try Data(text.utf8).write(to: URL(filePath: file.path))
        }

        func start(_ settings: [String] = []) async throws -> RunningApus {
            try await RunningApus(["access.password_file=\(users.path)", "access.acl_file=\(rules.path)"] + settings)
        }
    }

    private func login(_ name: String) -> [String] { ["-u", name, "-P", "\(name)'s"] }

    private func reload(_ apus: RunningApus, expecting log: String) async throws {
        apus.program.signal(SIGHUP)
        try await apus.program.errorLine { $0.contains(log) }
    }

    /// mosquitto_pub's exit status.
    private func publish(_ apus: RunningApus, _ topic: String, _ login: [String], version: String = "5") async throws -> Int32 {
        let port = "\(try apus.port("mqtt.tcp"))"
        let program = try Program(
            "mosquitto_pub", ["-h", "127.0.0.1", "-p", port, "-V", version, "-q", "1", "-t", topic, "-m", "x"] + login)
        return try await program.exitStatus()
    }

    @Test func MQTTAsksForTheRightPassword() async throws {
        let apus = try await Files().start()
        #expect(try await publish(apus, "home/x", login("alice")) == 0)
        #expect(try await publish(apus, "home/x", ["-u", "alice", "-P", "wrong"]) == 0x86)
        #expect(try await publish(apus, "home/x", ["-u", "nobody", "-P", "alice's"]) == 0x86)
        #expect(try await publish(apus, "home/x", []) == 0x87)
        #expect(try await publish(apus, "home/x", ["-u", "alice", "-P", "wrong"], version: "mqttv311") == 4)
        #expect(try await publish(apus, "home/x", [], version: "mqttv311") == 5)
        #expect(try await apus.stop() == 0)
    }

    @Test func rulesDecideWhoGetsWhat() async throws {
        let apus = try await Files().start()
        let bob = try await Mosquitto.subscribe(apus, "home/#", login("bob"))
        try await Mosquitto.publish(apus, "home/x/deep", [1], login("alice"))
        try await Mosquitto.publish(apus, "home/x", [2], login("alice"))
        #expect(try await bob.messages(1).first?.payload == [2])
        _ = try await publish(apus, "home/x", login("bob"))
        try await Mosquitto.publish(apus, "home/y", [3], login("alice"))
        // What bob published did not come: the next is alice's.
        #expect(try await bob.messages(2).last?.payload == [3])
    }

    @Test func CoAPBringsTheUserInTheQuery() async throws {
        let apus = try await Files().start()
        let alice = try await Mosquitto.subscribe(apus, "home/#", login("alice"))
        #expect(try await CoAPClients.aiocoap(apus, "put", "home/x", [1]).hasPrefix("4.01"))
        #expect(try await CoAPClients.aiocoap(apus, "put", "home/x?u=alice&p=wrong", [2]).hasPrefix("4.01"))
        #expect(try await CoAPClients.aiocoap(apus, "put", "home/x?u=alice&p=alice's", [3]).hasPrefix("2.0"))
        #expect(try await alice.messages(1).first?.payload == [3])
    }

    @Test func devicesWithoutUserNameComeInAtTheirListener() async throws {
        let files = try await Files()
        let closed = try await files.start()
        let refused = try await MQTTSNClient(clientID: "node1", port: closed.port("mqttsn.udp"))
        await #expect(throws: (any Error).self) { try await refused.connect() }
        let apus = try await files.start(["access.anonymous_listeners=[mqttsn.udp]"])
        let node = try await MQTTSNClient(clientID: "node1", port: apus.port("mqttsn.udp"))
        try await node.connect()
        _ = try await node.subscribe("devices/node1/set")
        await #expect(throws: (any Error).self) { try await node.subscribe("devices/node2/set", messageID: 3) }
        try await Mosquitto.publish(apus, "devices/node1/set", [1], login("alice"))
        #expect(try await node.receive().payload == [1])
    }

    @Test func aChangedPasswordDisconnectsAndARemovedRightSilences() async throws {
        let files = try await Files()
        let apus = try await files.start()
        let alice = try await Mosquitto.subscribe(apus, "home/#", login("alice"))
        let bob = try await Mosquitto.subscribe(apus, "home/+", login("bob"))
        try await files.setPassword(of: "alice", to: "new")
        try files.change(files.rules, "user bob\ntopic read home/open\nuser alice\ntopic home/#\n")
        try await reload(apus, expecting: "access rules reloaded")
        // MQTT 5.0, 3.14.2.1: 0x98, administrative action.
        _ = try await alice.program.exitStatus()
        #expect((alice.program.lines + alice.program.errorLines).contains { $0.contains("DISCONNECT (152)") })
        #expect(try await publish(apus, "home/x", login("alice")) == 0x86)
        for (topic, octet) in [("home/closed", UInt8(1)), ("home/open", 2)] {
            try await Mosquitto.publish(apus, topic, [octet], ["-u", "alice", "-P", "new"])
        }
        #expect(try await bob.messages(1).first?.payload == [2])
        #expect(try await apus.stop() == 0)
    }

    @Test func aBadFileLeavesTheOldRulesAndSaysWhere() async throws {
        let files = try await Files()
        let apus = try await files.start()
        try files.change(files.rules, "topic read public/#\ntopic raed x\n")
        try await reload(apus, expecting: "\(files.rules.path):2: ")
        #expect(try await publish(apus, "home/x", login("alice")) == 0)
        #expect(try await apus.stop() == 0)
    }

    @Test func aBadFileAtTheStartIsOneSentence() async throws {
        let users = try TemporaryFile("alice:plain\n")
        let program = try RunningApus.start(["check", "--set", "access.password_file=\(users.path)"])
        #expect(try await program.exitStatus() == 78)
        #expect(
            program.errorLines == [
                "apus: access.password_file names a file that is not right, \(users.path):1: the password is in clear text "
                    + "(--set access.password_file): convert the file with apus passwd -U"
            ])
    }

    @Test func aPasswordFileOpensTheWayOutOfLoopback() async throws {
        let files = try await Files()
        let program = try RunningApus.start(
            ["check", "--set", "mqtt.tcp.address=0.0.0.0", "--set", "access.password_file=\(files.users.path)"])
        #expect(try await program.exitStatus() == 0)
    }

    /// SCRAM-SHA-256 by node-mqtt; the same user still gets in by sending its password.
    @Test func aClientLogsInWithoutSendingItsPassword() async throws {
        let files = try await Files()
        let made = try RunningApus.start(["passwd", "-S", "-b", files.users.path, "alice", "alice's"])
        #expect(try await made.exitStatus() == 0)
        let apus = try await files.start(["access.acl_file=null"])
        let script = "\(BuiltProducts.repository)/Tests/EndToEndTests/Clients/mqtt_scram.js"
        for (user, password, outcome) in [
            ("alice", "alice's", "DONE true"), ("alice", "wrong", "REFUSED 134"), ("nobody", "alice's", "REFUSED 134"),
            ("bob", "bob's", "REFUSED 134"),
        ] {
            let client = try Program(
                "node", [script, "\(try apus.port("mqtt.tcp"))", user, password],
                environment: ["NODE_PATH": "/usr/share/nodejs"])
            #expect(try await client.line { $0.hasPrefix("DONE") || $0.hasPrefix("REFUSED") } == outcome)
            _ = try await client.exitStatus()
        }
        #expect(try await publish(apus, "home/x", login("alice")) == 0)
        #expect(try await apus.stop() == 0)
    }
}

/// `apus passwd` at the command line.
@Suite struct PasswordCommandTests {
    private func run(_ arguments: [String], input: String? = nil) async throws -> (status: Int32, errors: [String]) {
        let program = try RunningApus.start(["passwd"] + arguments)
        program.finishInput(Array((input ?? "").utf8))
        return (try await program.exitStatus(), program.errorLines)
    }

    private func text(_ file: TemporaryFile) throws -> String { try String(contentsOfFile: file.path, encoding: .utf8) }

    @Test func createsSetsAndDeletes() async throws {
        let file = try TemporaryFile("old:$6$x\n")
        #expect(try await run(["-c", "-b", file.path, "alice", "one"]).status == 0)
        #expect(try await run([file.path, "bob"], input: "two\n").status == 0)
        #expect(try text(file).split(separator: "\n").map { $0.prefix(9) } == ["alice:$7$", "bob:$7$10"])
        #expect(try await run(["-D", file.path, "alice"]).status == 0)
        #expect(try text(file).hasPrefix("bob:"))
        let again = try await run(["-D", file.path, "alice"])
        #expect(again.status == 64)
        #expect(again.errors == ["apus: there is no user alice in \(file.path)"])
    }

    @Test func hashesAFileWrittenByHand() async throws {
        let file = try TemporaryFile("a:one\nb:two\n")
        #expect(try await run(["-U", file.path]).errors == ["2 passwords hashed"])
        // A hash in Base64 may well have any three letters in it.
        #expect(try text(file).split(separator: "\n").map { $0.prefix(5) } == ["a:$7$", "b:$7$"])
        #expect(try !text(file).contains(":one"))
    }

    @Test(arguments: [
        ["users"], ["-b", "users", "alice"], ["users", "alice", "secret"], ["-U", "users", "alice"], ["-D", "-c", "users", "a"],
        ["-b", "users", "a:b", "x"], ["-b", "-I", "0", "users", "alice", "x"],
    ])
    func wrongUseIsStatus64(arguments: [String]) async throws {
        #expect(try await run(arguments).status == 64)
    }

    @Test func aFileThatIsMissingOrCannotBeWrittenIsNamed() async throws {
        #expect(try await run(["-b", "/nowhere/users", "alice", "x"]).status == 78)
        #expect(try await run(["-c", "-b", "/nowhere/users", "alice", "x"]).status == 73)
    }

    /// On a terminal it asks twice and shows nothing of what is typed.
    @Test func aTerminalDoesNotShowThePassword() async throws {
        let file = try TemporaryFile("")
        // script(1) gives the command a terminal of its own.
        let terminal = try Program("script", ["-qec", "'\(BuiltProducts.apus)' passwd '\(file.path)' alice", "/dev/null"])
        try await terminal.line { $0.contains("Password for alice: ") }
        terminal.type("hidden\n")
        try await terminal.line { $0.contains("The same again: ") }
        terminal.type("hidden\n")
        #expect(try await terminal.exitStatus() == 0)
        #expect(!terminal.lines.joined().contains("hidden"))
        #expect(try text(file).hasPrefix("alice:$7$"))
    }
}
