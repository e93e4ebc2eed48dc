/// The way back for one request. Answer once, at once or later, from any thread.
///
/// An answer given before the handler returns travels in the acknowledgement. Later ones go as a separate response: the
/// peer got an empty acknowledgement meanwhile (RFC 7252, 5.2.2). A responder that is dropped without an answer says 5.00.
package final class CoAPResponder: Sendable {
    /// An answer on its way to the engine.
    struct Answer: Sendable {
        let response: CoAPResponse
        /// Set when the answer accepts an observation.
        let ended: (@Sendable (CoAPObserverEnd) -> Void)?
    }

    private let exchange: UInt64
    private let commands: CommandQueue
    private let slot = AnswerSlot<Answer>()

    init(exchange: UInt64, commands: CommandQueue) {
        self.exchange = exchange
        self.commands = commands
    }

    deinit { give(Answer(response: .error(.internalServerError, "no answer was given"), ended: nil)) }

    package func answer(_ response: CoAPResponse) {
        give(Answer(response: response, ended: nil))
    }

    /// Answers a request with `observe == .register` and accepts it: from now on `CoAPServer.notify` reaches the client.
    /// - Parameter ended: called once on the CoAP thread, when the observation is over for whatever reason; also when it could
    ///   not begin because the peer has gone meanwhile or has too many.
    package func answerObserving(_ response: CoAPResponse, ended: @escaping @Sendable (CoAPObserverEnd) -> Void) {
        give(Answer(response: response, ended: ended))
    }

    /// For the engine, after the handler has returned: the answer, or nil, and then a later one comes as a command.
    func takeOrDetach() -> Answer? { slot.takeOrDetach() }

    private func give(_ answer: Answer) {
        if slot.put(answer) { commands.post(.respond(exchange: exchange, answer)) }
    }
}
