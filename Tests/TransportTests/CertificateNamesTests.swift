import NIOSSL
import TestKit
import Testing

@testable import Transport

@Suite struct CertificateNamesTests {
    private func names(_ subject: String, _ alternatives: String) async throws -> CertificateNames {
        let certificates = try await Certificates()
        try await certificates.mint("subject", subject, names: alternatives)
        let certificate = try NIOSSLCertificate.fromPEMFile(certificates.certificate("subject"))
        return CertificateNames(der: try #require(certificate.first).toDERBytes())
    }

    @Test func theFirstOfEachKindIsRead() async throws {
        let names = try await names(
            "/O=Example/CN=dev", "IP:127.0.0.1,DNS:a.example,DNS:b.example,URI:urn:a,RID:1.2.3.4,email:a@example.org")
        var expected = CertificateNames()
        (expected.commonName, expected.dns, expected.uri, expected.email) = (
            "dev", "a.example", "urn:a", "a@example.org"
        )
        #expect(names == expected)
    }

    @Test func whatIsMissingOrThereTwiceIsNil() async throws {
        #expect(try await names("/CN=a/CN=b", "IP:127.0.0.1") == CertificateNames())
        #expect(try await names("/O=nobody", "URI:urn:a").commonName == nil)
    }

    @Test func namesAreText() async throws {
        #expect(try await names("/CN=Gerät", "IP:127.0.0.1").commonName == "Gerät")
        #expect(CertificateNames(der: [0x30, 0x00]) == CertificateNames())
        #expect(CertificateNames(der: []) == CertificateNames())
    }
}
