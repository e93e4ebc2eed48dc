import CSSL

/// The questions libssl asks in the middle of a handshake. Each session carries a pointer to its `DTLSConnection`, which lives
/// at least as long as the session, as it frees it.
enum DTLSCallbacks {
    private static func connection(of session: OpaquePointer?) -> DTLSConnection? {
        SSL_get_ex_data(session, 0).map { Unmanaged<DTLSConnection>.fromOpaque($0).takeUnretainedValue() }
    }

    static let makeCookie: @convention(c) (OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt32>?) -> Int32 =
        { session, cookie, length in
            guard let connection = connection(of: session), let cookie, let length else { return 0 }
            let octets = connection.cookie
            cookie.update(from: octets, count: octets.count)
            length.pointee = UInt32(octets.count)
            return 1
        }

    static let isCookieValid: @convention(c) (OpaquePointer?, UnsafePointer<UInt8>?, UInt32) -> Int32 =
        { session, cookie, length in
            let octets = UnsafeBufferPointer(start: cookie, count: Int(length))
            return connection(of: session)?.isValid(cookie: octets) == true ? 1 : 0
        }

    /// The key of a client's identity. One that is not text is nobody's.
    static let serverKey: SSL_psk_server_cb_func = { session, identity, key, capacity in
        guard let connection = connection(of: session), let identity, let key else { return 0 }
        let name = String(validatingCString: identity) ?? ""
        guard let octets = connection.key(of: name), octets.count <= Int(capacity) else { return 0 }
        for (index, octet) in octets.enumerated() { key[index] = octet }
        return UInt32(octets.count)
    }

    /// libssl's own timer reads the machine's clock; it is set so far ahead that it never fires.
    static let never: @convention(c) (OpaquePointer?, UInt32) -> UInt32 = { _, _ in 4_000_000_000 }
}
