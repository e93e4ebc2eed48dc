import Foundation

/// What a SCRAM client says, taken apart (RFC 5802, 7).
///
///     first    n,,n=user,r=nonce               gs2 header, user name, the client's nonce
///     final    c=biws,r=nonce,p=proof          gs2 header again, the whole nonce, proof
struct ScramClientFirst: Equatable {
    /// `n,,` or `y,,` with or without an authorisation identity.
    let header: String
    let userName: String
    let nonce: String
    /// The message without its header.
    let bare: String

    /// Nil when it is not in order, names another identity to act as, or insists on channel binding.
    init?(_ octets: [UInt8]) {
        guard octets.count <= 4_096, let text = String(validating: octets, as: UTF8.self) else { return nil }
        let parts = text.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "n" || parts[0] == "y" else { return nil }
        let attributes = parts[2].split(separator: ",", omittingEmptySubsequences: false)
        guard attributes.count >= 2, let name = attributes[0].scramValue("n").flatMap(Self.unescaped), !name.isEmpty,
            let nonce = attributes[1].scramValue("r"), nonce.isScramNonce
        else { return nil }
        if !parts[1].isEmpty {
            guard let identity = parts[1].scramValue("a").flatMap(Self.unescaped), identity == name else { return nil }
        }
        header = "\(parts[0]),\(parts[1]),"
        userName = name
        self.nonce = String(nonce)
        bare = String(parts[2])
    }

    /// `=2C` is a comma, `=3D` an equals sign; nothing else may follow one (RFC 5802, 5.1).
    private static func unescaped(_ text: Substring) -> String? {
        var rest = text
        var name = ""
        while let character = rest.popFirst() {
            guard character == "=" else {
                name.append(character)
                continue
            }
            switch rest.prefix(2) {
            case "2C": name.append(",")
            case "3D": name.append("=")
            default: return nil
            }
            rest.removeFirst(2)
        }
        return name
    }
}

struct ScramClientFinal: Equatable {
    let channelBinding: [UInt8]
    let nonce: String
    let proof: [UInt8]
    /// The message up to the proof.
    let withoutProof: String

    /// Nil when it is not in order.
    init?(_ octets: [UInt8]) {
        guard octets.count <= 4_096, let text = String(validating: octets, as: UTF8.self) else { return nil }
        let attributes = text.split(separator: ",", omittingEmptySubsequences: false)
        guard attributes.count >= 3, let binding = attributes[0].scramValue("c").flatMap({ Data(base64Encoded: String($0)) }),
            let nonce = attributes[1].scramValue("r"), let last = attributes.last,
            let proof = last.scramValue("p").flatMap({ Data(base64Encoded: String($0)) })
        else { return nil }
        channelBinding = Array(binding)
        self.nonce = String(nonce)
        self.proof = Array(proof)
        withoutProof = attributes.dropLast().joined(separator: ",")
    }
}

extension Substring {
    /// What stands behind `name=`.
    fileprivate func scramValue(_ name: Character) -> Substring? {
        first == name && dropFirst().first == "=" ? dropFirst(2) : nil
    }

    /// Printable ASCII without the comma (RFC 5802, 7).
    fileprivate var isScramNonce: Bool { !isEmpty && utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x2C } }
}
