import Settings
import Testing

private struct Sample: Decodable, Equatable {
    struct Listener: Decodable, Equatable {
        var enabled: Bool
        var port: Whole<0, 65_535>
        var maxConnections: Int

        enum CodingKeys: String, CodingKey {
            case enabled, port
            case maxConnections = "max_connections"
        }
    }

    enum Level: String, Choice { case debug, info }

    var tcp: Listener
    var level: Level
    var keepAlive: Duration
    var packet: ByteSize
    var names: [String: String]
    var list: [Int]
    var password: Secret?

    enum CodingKeys: String, CodingKey {
        case tcp, level, packet, names, list, password
        case keepAlive = "keep_alive"
    }

    static let defaults = """
        tcp:
          enabled: true
          port: 1883
          max_connections: 1000
        level: info
        keep_alive: 30s
        packet: 1MB
        names: {}
        list: [1, 2]
        password: null
        """
}

private func decode(
    yaml: String = "", environment: [String: String] = [:], arguments: [String] = []
) throws(SettingsError) -> (settings: Sample, effective: [EffectiveSetting]) {
    var layers = try SettingsLayers(defaults: Sample.defaults)
    try layers.add(yaml: yaml, path: "apus.yaml")
    try layers.add(environment: environment, prefix: "APUS_")
    try layers.add(arguments: arguments)
    return try layers.decode(Sample.self)
}

@Suite struct SettingsLayersTests {
    @Test func defaultsAloneDecode() throws {
        let sample = try decode().settings
        #expect(sample.tcp.port.value == 1883)
        #expect(sample.keepAlive == .seconds(30))
        #expect(sample.packet.bytes == 1 << 20)
        #expect(sample.password == nil)
    }

    @Test func eachLayerOverridesTheOneBelow() throws {
        let yaml = "tcp:\n  port: 1\n  enabled: false\n  max_connections: 7"
        let sample = try decode(
            yaml: yaml, environment: ["APUS_TCP__PORT": "2", "APUS_TCP__MAX_CONNECTIONS": "8", "HOME": "/"],
            arguments: ["tcp.port=3"]
        ).settings
        #expect(sample.tcp.port.value == 3)
        #expect(sample.tcp.maxConnections == 8)
        #expect(!sample.tcp.enabled)
    }

    @Test func everyValueRemembersItsLayer() throws {
        let effective = try decode(
            yaml: "tcp:\n  port: 1\n", environment: ["APUS_LEVEL": "debug"], arguments: ["keep_alive=5m"]
        ).effective
        func origin(_ key: String) -> String? { effective.first { $0.key == key }?.origin.description }
        #expect(origin("tcp.port") == "apus.yaml:2:9")
        #expect(origin("tcp.enabled") == "default")
        #expect(origin("level") == "environment variable APUS_LEVEL")
        #expect(origin("keep_alive") == "--set keep_alive")
    }

    @Test func mappingsMergeAndListsAreReplaced() throws {
        let sample = try decode(
            yaml: "names: {a: x}\nlist: [9]", environment: ["APUS_NAMES__B": "y"], arguments: ["names={c: z}"]
        ).settings
        #expect(sample.names == ["a": "x", "b": "y", "c": "z"])
        #expect(sample.list == [9])
    }

    @Test func aSecretIsListedAsDots() throws {
        let (sample, effective) = try decode(arguments: ["password=swordfish"])
        #expect(sample.password?.revealed == "swordfish")
        #expect(effective.first { $0.key == "password" }?.value == Secret.dots)
        #expect("\(sample)".contains("swordfish") == false)
        #expect(String(reflecting: sample).contains("swordfish") == false)
    }

    @Test(arguments: [
        ("tcp:\n  prot: 1", "tcp.prot is not a known key (apus.yaml:2:9): did you mean tcp.port?"),
        ("port: 1", "port is not a known key (apus.yaml:1:7): did you mean tcp.port?"),
        (
            "zebra: 1",
            "zebra is not a known key (apus.yaml:1:8): the keys here are keep_alive, level, list, names, packet, password, tcp"
        ),
        (
            "tcp:\n  port: 70000",
            "tcp.port is \"70000\", which is not valid (apus.yaml:2:9): it needs a whole number from 0 to 65535"
        ),
        ("tcp: 5", "tcp is \"5\", which is not valid (apus.yaml:1:6): it needs a section with keys of its own"),
        (
            "tcp:\n  enabled: yes",
            "tcp.enabled is \"yes\", which is not valid (apus.yaml:2:12): it needs true or false"
        ),
        ("level: loud", "level is \"loud\", which is not valid (apus.yaml:1:8): it needs one of debug, info"),
        (
            "keep_alive: 30",
            "keep_alive is \"30\", which is not valid (apus.yaml:1:13): it needs a duration such as 500ms, 30s, 5m, 2h or 7d"
        ),
        (
            "packet: 1TB",
            "packet is \"1TB\", which is not valid (apus.yaml:1:9): it needs a size such as 512, 64KB, 1MB or 2GB"
        ),
        ("level:", "level has no value, which is not valid (apus.yaml:1:7): it needs text"),
        ("list: [1, x]", "list.1 is \"x\", which is not valid (apus.yaml:1:11): it needs a whole number"),
        ("level: info\nlevel: info", "level stands more than once in the same section (apus.yaml:1:1): keep one of them"),
        ("tcp:\n\tport: 1", "the configuration is not valid YAML"),
        ("- 1", "the configuration is not a mapping of keys to values (apus.yaml:1:1)"),
    ])
    func aMistakeIsOneSentenceWithKeyPlaceAndRemedy(yaml: String, sentence: String) {
        let error = #expect(throws: SettingsError.self) { try decode(yaml: yaml) }
        #expect(error?.description.hasPrefix(sentence) == true, "\(error?.description ?? "no error")")
    }

    @Test(arguments: [
        ("tcp.port", "tcp.port has no value (--set tcp.port): write it like --set mqtt.tcp.port=1883"),
        ("tcp..port=1", "tcp..port does not name a setting (--set tcp..port)"),
        ("tcp.port=x", "tcp.port is \"x\", which is not valid (--set tcp.port): it needs a whole number from 0 to 65535"),
        ("tcp.prot=1", "tcp.prot is not a known key (--set tcp.prot): did you mean tcp.port?"),
        ("list=[1", "the configuration is not valid YAML"),
    ])
    func aBadArgumentNamesItself(argument: String, sentence: String) {
        let error = #expect(throws: SettingsError.self) { try decode(arguments: [argument]) }
        #expect(error?.description.hasPrefix(sentence) == true, "\(error?.description ?? "no error")")
    }

    @Test func aBadVariableNamesItself() {
        let error = #expect(throws: SettingsError.self) { try decode(environment: ["APUS_TCP__PROT": "1"]) }
        #expect(
            error?.description
                == "tcp.prot is not a known key (environment variable APUS_TCP__PROT): did you mean tcp.port?")
    }

    @Test func aFileThatIsMissingIsNamed() throws {
        var layers = try SettingsLayers(defaults: Sample.defaults)
        let error = #expect(throws: SettingsError.self) { try layers.add(file: "/nowhere/apus.yaml") }
        #expect(
            error?.description
                == "the configuration file does not exist (/nowhere/apus.yaml:1:1): check the path after --config")
    }
}
