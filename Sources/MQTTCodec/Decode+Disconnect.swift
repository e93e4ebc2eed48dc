import NIOCore

/// DISCONNECT (MQTT 5.0, 3.14) and AUTH (3.15).
///
///     | reason (1, may be left out) | properties (may be left out) |
extension FieldReader {
    mutating func disconnect(_ context: Context) throws(DecodeError) -> Disconnect {
        guard context.version.hasProperties, !isAtEnd else { return Disconnect() }
        let code = try reasonCode(from: context.sender)
        return Disconnect(reasonCode: code, properties: try trailingProperties(context))
    }

    mutating func auth(_ context: Context) throws(DecodeError) -> Auth {
        guard !isAtEnd else { return Auth(reasonCode: .success) }
        let code = try reasonCode(from: context.sender)
        let properties = try trailingProperties(context)
        // MQTT 5.0, 3.15.2.2.2
        guard properties.authenticationMethod != nil else { throw .missingAuthenticationMethod }
        return Auth(reasonCode: code, properties: properties)
    }
}
