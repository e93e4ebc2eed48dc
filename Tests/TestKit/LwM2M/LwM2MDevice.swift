import Glibc

/// A scripted LwM2M client on a plain UDP socket: registers, keeps a few resources, answers requests, sends notifications.
///
/// It behaves as written here and not as any library would, so a test can also make it misbehave. A thread of its own
/// reads the socket; everything seen is in `seen`, which tests wait on.
package final class LwM2MDevice: Sendable {
    /// One resource, or any other path with an answer of its own.
    package struct Resource: Sendable {
        /// Content-Format of answers; nil leaves the option out.
        package var format: Int?
        package var value: [UInt8]
        package var isWritable: Bool
        package var isExecutable = false

        package init(_ text: String, writable: Bool = false) {
            self.init(format: 0, Array(text.utf8), writable: writable)
        }

        package init(format: Int?, _ value: [UInt8], writable: Bool = false) {
            self.format = format
            self.value = value
            isWritable = writable
        }

        package static var executable: Resource {
            var resource = Resource("")
            resource.isExecutable = true
            return resource
        }
    }

    /// What to do with a request instead of the usual.
    package enum Reaction: Sendable {
        case usual
        case answer(code: UInt8, options: [CoAPDatagram.Option] = [], payload: [UInt8] = [])
        /// An empty acknowledgement and nothing more.
        case acknowledgeOnly
        case silence
    }

    package struct Seen: Sendable {
        /// Requests of the server, repetitions left out.
        package var requests: [CoAPDatagram] = []
        /// Answers of the server, by token.
        package var answers: [[UInt8]: CoAPDatagram] = [:]
        /// Message ids of notifications the server refused with RST, or acknowledged.
        package var resets: [UInt16] = []
        package var acknowledgements: [UInt16] = []
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private struct State {
        var resources: [String: Resource]
        /// Tokens by observed path.
        var observations: [String: [UInt8]] = [:]
        var react: @Sendable (CoAPDatagram) -> Reaction = { _ in .usual }
        var lastMessageID: UInt16 = 100
        var answered: [UInt16: [UInt8]] = [:]
    }

    package let seen = Shared(Seen())
    private let state: Shared<State>
    private let descriptor: Int32

    /// - Parameter port: of the server, on loopback.
    package init(port: Int, resources: [String: Resource] = LwM2MDevice.deviceObject) throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        state = Shared(State(resources: resources))
        guard descriptor >= 0 else { throw Failure(description: "no socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failure(description: "cannot reach port \(port)") }
        Self.read(descriptor) { [weak self] in self?.receive($0) }
    }

    /// Ends the reading thread, which closes the socket.
    deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// A few resources of object 3: readable, writable, executable.
    package static var deviceObject: [String: Resource] {
        [
            "/3/0/0": Resource("Apus"), "/3/0/4": .executable, "/3/0/9": Resource("100"),
            "/3/0/13": Resource("1700000000", writable: true), "/3/0/14": Resource("+01:00", writable: true),
        ]
    }

    // MARK: What a test does

    package func set(_ path: String, _ resource: Resource?) { state.change { $0.resources[path] = resource } }

    package func value(of path: String) -> String? {
        state.read { state in state.resources[path].map { String(decoding: $0.value, as: UTF8.self) } }
    }

    /// Looks at each request first and may take it over.
    package func react(_ react: @escaping @Sendable (CoAPDatagram) -> Reaction) { state.change { $0.react = react } }

    package var observedPaths: [String] { state.read { $0.observations.keys.sorted() } }
    package func token(of path: String) -> [UInt8]? { state.read { $0.observations[path] } }

    /// Sends a request and waits for its answer, separate ones included.
    package func ask(
        _ method: UInt8, _ path: String, queries: [String] = [], format: Int? = nil, payload: [UInt8] = []
    ) async throws -> CoAPDatagram {
        var options = path.split(separator: "/").map { CoAPDatagram.Option(CoAPDatagram.Number.uriPath, String($0)) }
        if let format { options.append(.init(CoAPDatagram.Number.contentFormat, uint: format)) }
        options += queries.map { .init(CoAPDatagram.Number.uriQuery, $0) }
        let messageID = nextMessageID()
        let token = [0x51, UInt8(messageID >> 8), UInt8(messageID & 0xFF)]
        return try await ask(
            CoAPDatagram(
                .confirmable, code: method, messageID: messageID, token: token, options: options, payload: payload))
    }

    /// Sends a message as it is and waits for the answer to its token.
    package func ask(_ request: CoAPDatagram) async throws -> CoAPDatagram {
        seen.change { $0.answers[request.token] = nil }
        send(request.bytes)
        guard let answer = await seen.wait(within: .patience, until: { $0.answers[request.token] }) else {
            throw Failure(description: "no answer to \(request.codeText) \(request.path)")
        }
        return answer
    }

    /// Registers and returns the path of the registration.
    package func register(
        _ endpoint: String, version: String = "1.1", lifetime: Int = 60, objects: String = "</1/0>,</3/0>",
        extra: [String] = []
    ) async throws -> String {
        let answer = try await ask(
            2, "/rd", queries: ["lwm2m=\(version)", "ep=\(endpoint)", "lt=\(lifetime)"] + extra, format: 40,
            payload: Array(objects.utf8))
        guard answer.code == CoAPDatagram.code(2, 1) else { throw Failure(description: "Register: \(answer.codeText)") }
        return answer.strings(CoAPDatagram.Number.locationPath).map { "/\($0)" }.joined()
    }

    package func update(_ location: String, queries: [String] = [], objects: String = "") async throws -> CoAPDatagram {
        try await ask(2, location, queries: queries, format: objects.isEmpty ? nil : 40, payload: Array(objects.utf8))
    }

    package func deregister(_ location: String) async throws -> CoAPDatagram { try await ask(4, location) }

    /// Notifies of a path that is observed, or with the given token of one that was.
    /// - Returns: the message id, nil when the path is not observed.
    @discardableResult
    package func notify(
        _ path: String, _ text: String, sequence: Int, token: [UInt8]? = nil, code: UInt8 = CoAPDatagram.code(2, 5),
        kind: CoAPDatagram.Kind = .nonConfirmable
    ) -> UInt16? {
        guard let token = token ?? self.token(of: path) else { return nil }
        let messageID = nextMessageID()
        let isSuccess = code >> 5 == 2
        send(
            CoAPDatagram(
                kind, code: code, messageID: messageID, token: token,
                options: isSuccess
                    ? [
                        .init(CoAPDatagram.Number.observe, uint: sequence),
                        .init(CoAPDatagram.Number.contentFormat, uint: 0),
                    ]
                    : [],
                payload: Array(text.utf8)
            ).bytes)
        return messageID
    }

    /// Sends bytes that may be anything.
    package func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, 0) }

    /// Waits for a request of the server: the first that `matches`.
    package func request(where matches: @escaping @Sendable (CoAPDatagram) -> Bool) async throws -> CoAPDatagram {
        guard let request = await seen.wait(within: .patience, until: { $0.requests.first(where: matches) }) else {
            throw Failure(description: "no such request; seen: \(seen.read { $0.requests.map(\.path) })")
        }
        return request
    }

    private func nextMessageID() -> UInt16 {
        state.change { state in
            state.lastMessageID &+= 1
            return state.lastMessageID
        }
    }
}

// MARK: - Receiving

extension LwM2MDevice {
    /// Reads datagrams on a thread of their own until the socket is shut down.
    private static func read(_ descriptor: Int32, _ receive: @escaping @Sendable ([UInt8]) -> Void) {
        let loop = ReadLoop(descriptor: descriptor, receive: receive)
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(loop)
        let started = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ReadLoop>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument.toOpaque())
        guard started == 0 else { return argument.release() }
        pthread_detach(thread)
    }

    private final class ReadLoop: Sendable {
        let descriptor: Int32
        let receive: @Sendable ([UInt8]) -> Void

        init(descriptor: Int32, receive: @escaping @Sendable ([UInt8]) -> Void) {
            self.descriptor = descriptor
            self.receive = receive
        }

        func run() {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                // A port that is closed for a moment shows as an error on a connected socket and passes.
                if count < 0, errno == ECONNREFUSED || errno == EINTR { continue }
                guard count > 0 else { break }
                receive(Array(buffer.prefix(count)))
            }
            close(descriptor)
        }
    }

    private func receive(_ bytes: [UInt8]) {
        guard let message = CoAPDatagram(bytes) else { return }
        switch (message.kind, message.code) {
        case (.reset, _): seen.change { $0.resets.append(message.messageID) }
        case (.acknowledgement, 0): seen.change { $0.acknowledgements.append(message.messageID) }
        case (_, 1..<32): serve(message)
        default:
            if message.kind == .confirmable { acknowledge(message) }
            seen.change { $0.answers[message.token] = message }
        }
    }

    private func acknowledge(_ message: CoAPDatagram) {
        send(CoAPDatagram(.acknowledgement, code: 0, messageID: message.messageID).bytes)
    }

    private func serve(_ request: CoAPDatagram) {
        // A repetition gets the same answer again, if there was one.
        if let answer = state.read({ $0.answered[request.messageID] }) { return send(answer) }
        let reaction = state.read { $0.react }(request)
        let (code, options, payload): (UInt8, [CoAPDatagram.Option], [UInt8])
        switch reaction {
        case .silence:
            return note(request)
        case .acknowledgeOnly:
            note(request)
            return acknowledge(request)
        case .answer(let chosen, let chosenOptions, let chosenPayload):
            (code, options, payload) = (chosen, chosenOptions, chosenPayload)
        case .usual:
            (code, options, payload) = usualAnswer(to: request)
        }
        let answer = CoAPDatagram(
            .acknowledgement, code: code, messageID: request.messageID, token: request.token, options: options,
            payload: payload
        ).bytes
        state.change { $0.answered[request.messageID] = answer }
        // First, as a test may look at it as soon as the answer has had its effect.
        note(request)
        send(answer)
    }

    private func note(_ request: CoAPDatagram) { seen.change { $0.requests.append(request) } }

    private func usualAnswer(to request: CoAPDatagram) -> (UInt8, [CoAPDatagram.Option], [UInt8]) {
        state.change { state in
            let path = request.path
            switch request.code {
            case 1: return Self.read(request, &state)
            case 2 where request.options.filter({ $0.number == CoAPDatagram.Number.uriPath }).count < 3:
                return (CoAPDatagram.code(2, 4), [], [])
            case 2:
                return (
                    state.resources[path]?.isExecutable == true ? CoAPDatagram.code(2, 4) : CoAPDatagram.code(4, 5), [],
                    []
                )
            case 3:
                guard let resource = state.resources[path] else { return (CoAPDatagram.code(4, 4), [], []) }
                guard resource.isWritable else { return (CoAPDatagram.code(4, 5), [], []) }
                state.resources[path]?.value = request.payload
                return (CoAPDatagram.code(2, 4), [], [])
            case 4: return (CoAPDatagram.code(2, 2), [], [])
            default: return (CoAPDatagram.code(4, 5), [], [])
            }
        }
    }

    private static func read(
        _ request: CoAPDatagram, _ state: inout State
    ) -> (UInt8, [CoAPDatagram.Option], [UInt8]) {
        let path = request.path
        if request.integer(CoAPDatagram.Number.accept) == 40 {
            let links = state.resources.keys.filter { $0.hasPrefix(path) }.sorted().map { "<\($0)>" }
            return (
                CoAPDatagram.code(2, 5), [.init(CoAPDatagram.Number.contentFormat, uint: 40)],
                Array(links.joined(separator: ",").utf8)
            )
        }
        guard let resource = state.resources[path], !resource.isExecutable else {
            return (CoAPDatagram.code(4, 4), [], [])
        }
        var options = resource.format.map { [CoAPDatagram.Option(CoAPDatagram.Number.contentFormat, uint: $0)] } ?? []
        switch request.integer(CoAPDatagram.Number.observe) {
        case 0:
            state.observations[path] = request.token
            options.append(.init(CoAPDatagram.Number.observe, uint: 0))
        case 1:
            state.observations[path] = nil
        default:
            break
        }
        return (CoAPDatagram.code(2, 5), options, resource.value)
    }
}
