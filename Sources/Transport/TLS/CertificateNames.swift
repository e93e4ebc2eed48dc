import CCrypto

/// Whom a certificate names: the common name of its subject, and of its alternative names (RFC 5280, 4.2.1.6) the first of
/// each kind. Nil for what it does not have, has in a form that is no text, or, as the common name, has twice.
package struct CertificateNames: Sendable, Equatable {
    package var commonName: String?
    package var dns: String?
    package var uri: String?
    package var email: String?

    package init() {}

    /// - Parameter der: a certificate that has been verified.
    init(der: [UInt8]) {
        let certificate = der.withUnsafeBufferPointer { octets in
            var start = octets.baseAddress
            return d2i_X509(nil, &start, octets.count)
        }
        guard let certificate else { return }
        defer { X509_free(certificate) }
        commonName = Self.commonName(of: certificate)
        readAlternativeNames(of: certificate)
    }

    private static func commonName(of certificate: OpaquePointer) -> String? {
        let subject = X509_get_subject_name(certificate)
        let position = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        guard position >= 0, X509_NAME_get_index_by_NID(subject, NID_commonName, position) < 0 else { return nil }
        var octets: UnsafeMutablePointer<UInt8>?
        let count = ASN1_STRING_to_UTF8(&octets, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, position)))
        guard let octets, count >= 0 else { return nil }
        defer { CRYPTO_free(octets, #file, #line) }
        return text(octets, count)
    }

    private mutating func readAlternativeNames(of certificate: OpaquePointer) {
        guard let names = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return }
        let list = OpaquePointer(names)
        defer { GENERAL_NAMES_free(list) }
        for index in 0..<max(0, OPENSSL_sk_num(list)) {
            var kind: Int32 = 0
            let name = OPENSSL_sk_value(list, index)?.assumingMemoryBound(to: GENERAL_NAME.self)
            // For the kinds below a string; other kinds have other types.
            guard let value = GENERAL_NAME_get0_value(name, &kind) else { continue }
            switch kind {
            case GEN_DNS: dns = dns ?? Self.text(value)
            case GEN_URI: uri = uri ?? Self.text(value)
            case GEN_EMAIL: email = email ?? Self.text(value)
            default: break
            }
        }
    }

    private static func text(_ string: UnsafeMutableRawPointer) -> String? {
        let string = string.assumingMemoryBound(to: ASN1_STRING.self)
        return text(ASN1_STRING_get0_data(string), ASN1_STRING_length(string))
    }

    /// A name with a zero in it is made to be read differently by different programs.
    private static func text(_ start: UnsafePointer<UInt8>?, _ count: Int32) -> String? {
        let octets = UnsafeBufferPointer(start: start, count: Int(count))
        guard !octets.isEmpty, !octets.contains(0) else { return nil }
        return String(validating: octets, as: UTF8.self)
    }
}
