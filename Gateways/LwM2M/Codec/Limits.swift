/// Bounds of everything a device or a command publisher can make the codecs build.
///
/// Every decoder of this module stops with a `DecodeError` at these bounds, so the memory one datagram can cost is known.
package struct Limits: Equatable, Sendable {
    /// Longest body decoded, in bytes.
    package var bodyBytes = 64 * 1024
    /// Most TLV entries in one payload, counted over all levels.
    package var entries = 4096
    /// Most links in one CoRE link list.
    package var links = 2048
    /// Most attributes of one link.
    package var attributesPerLink = 32
    /// Deepest nesting of a JSON command.
    package var jsonDepth = 8
    /// Longest endpoint name, in UTF-8 bytes.
    package var endpointNameBytes = 255
    /// Most Uri-Query options read from one registration.
    package var queryParameters = 32

    package init() {}
}
