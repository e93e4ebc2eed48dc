/// One entry of `/.well-known/core` (RFC 6690, 2).
package struct CoAPLink: Sendable, Equatable {
    /// Path from the root, with its slash: `/ps`.
    package let target: String
    /// Names and values in the order they are written; a nil value stands for a bare name such as `obs`.
    package let attributes: [Attribute]

    package struct Attribute: Sendable, Equatable {
        package let name: String
        package let value: String?

        package init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }
    }

    package init(_ target: String, _ attributes: [Attribute] = []) {
        self.target = target
        self.attributes = attributes
    }
}
