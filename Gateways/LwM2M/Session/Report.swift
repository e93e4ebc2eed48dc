import CoAP

/// How one command went, for the report topic and the requester's response topic.
struct Report: Equatable, Sendable {
    var operation: String
    var path: String
    /// The device's response code (`2.04`), or a word of this gateway (`not_writable`, `timeout`).
    var code: String
    var message: String
    /// Values that were read, by path.
    var content: [ResourceRecord] = []
    /// Values whose bytes do not fit their type.
    var unreadable: [ObjectPath] = []
    /// Links that were discovered.
    var links: [String]?
    /// Path of a created instance.
    var location: String?
    /// For observe: whether notifications will follow.
    var observing: Bool?

    var json: JSON {
        .object([
            "op": .string(operation),
            "path": .string(path),
            "code": .string(code),
            "message": .string(message),
            "content": content.isEmpty
                ? nil
                : .object(
                    content.map { JSON.Member(name: $0.path.description, value: $0.value.json) }),
            "unreadable": unreadable.isEmpty ? nil : .array(unreadable.map { .string($0.description) }),
            "links": links.map { .array($0.map { .string($0) }) },
            "location": location.map { .string($0) },
            "observing": observing.map { .boolean($0) },
        ])
    }
}

extension Report {
    init(_ operation: Operation, code: String, message: String) {
        self.init(operation: operation.name, path: operation.path.description, code: code, message: message)
    }

    init(_ operation: Operation, _ response: CoAPResponse) {
        self.init(operation, code: response.code.description, message: response.code.phrase)
        // RFC 7252 5.5.2: an error's payload is a diagnostic for people.
        if !response.code.isSuccess, response.contentFormat == nil, !response.payload.isEmpty,
            let text = String(validating: response.payload.prefix(256), as: UTF8.self)
        {
            message += ": \(text)"
        }
    }

    /// No usable answer came.
    init(_ operation: Operation, failure: CoAPOutcome) {
        switch failure {
        case .response(let response): self.init(operation, response)
        case .timeout: self.init(operation, code: "timeout", message: "the device did not answer")
        case .reset: self.init(operation, code: "reset", message: "the device rejected the message")
        case .gone: self.init(operation, code: "unreachable", message: "the transport session to the device has ended")
        case .busy: self.init(operation, code: "busy", message: "too many requests wait for the device")
        case .unusable: self.init(operation, code: "unusable", message: "the body is too long or its blocks contradict")
        }
    }

    /// A command that was refused before anything was sent. `topic` may be no command topic at all.
    init(refused topic: String, _ error: CommandError) {
        if let command = CommandTopic(topic) {
            self.init(
                operation: command.verb.operation, path: command.path.description, code: error.code,
                message: error.message)
        } else {
            self.init(operation: "", path: topic, code: error.code, message: error.message)
        }
    }
}

extension CoAPCode {
    /// The name RFC 7252 12.1.2 and LwM2M give a response code.
    var phrase: String {
        switch self {
        case .created: "created"
        case .deleted: "deleted"
        case .valid: "valid"
        case .changed: "changed"
        case .content: "content"
        case .badRequest: "bad request"
        case .unauthorized: "unauthorized"
        case .badOption: "bad option"
        case .forbidden: "forbidden"
        case .notFound: "not found"
        case .methodNotAllowed: "method not allowed"
        case .notAcceptable: "not acceptable"
        case .requestEntityIncomplete: "request entity incomplete"
        case .conflict: "conflict"
        case .preconditionFailed: "precondition failed"
        case .requestEntityTooLarge: "request entity too large"
        case .unsupportedContentFormat: "unsupported content format"
        case .tooManyRequests: "too many requests"
        case .internalServerError: "internal server error"
        case .notImplemented: "not implemented"
        case .serviceUnavailable: "service unavailable"
        default: isSuccess ? "success" : group == 4 ? "client error" : "server error"
        }
    }
}
