package import Messaging

/// An authentication method of two steps: says "who?" to whatever comes first, then "welcome" to who is named, except for "bad".
package final class Doorman: AuthenticationExchange {
    package static let method = "DOOR"

    private let asked = Shared(false)

    package init() {}

    package func respond(to data: Secret, completion: @escaping @Sendable (AuthenticationStep) -> Void) {
        let isFirst = asked.change { asked in
            defer { asked = true }
            return !asked
        }
        let name = String(decoding: data.octets, as: UTF8.self)
        let principal = Principal(kind: .user(name), clientID: nil)
        completion(
            isFirst
                ? .challenge(Secret(Array("who?".utf8)))
                : name == "bad" ? .refused(.badCredentials) : .success(principal, Secret(Array("welcome".utf8))))
    }
}
