public import NIOCore

/// Bytes that are never printed: a password, or what an authentication method exchanges.
public struct Secret: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public let bytes: ByteBuffer

    public init(_ bytes: ByteBuffer) { self.bytes = bytes }

    public var description: String { "••••" }
    public var debugDescription: String { "••••" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
