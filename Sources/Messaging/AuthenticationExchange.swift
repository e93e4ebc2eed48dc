/// One run of an authentication method. What the client says goes in, what it is told comes out, until it is let in or refused.
public protocol AuthenticationExchange: AnyObject, Sendable {
    /// Takes what the client said. Called again only after a challenge.
    /// - Parameter completion: called exactly once, at once or later, from any thread.
    func respond(to data: Secret, completion: @escaping @Sendable (AuthenticationStep) -> Void)
}

/// What follows from what the client said.
public enum AuthenticationStep: Sendable {
    /// The client is to answer this.
    case challenge(Secret)
    /// The client has proved who it is; the data prove who the gateway is, where the method does that.
    case success(Principal, Secret)
    case refused(ConnectRefusal)
}
