package import NIOCore
import NIOSSL
import Synchronization

/// The server's side of TLS for one listener: certificate, key, CAs and pre-shared keys as they were last read.
package final class TLSServer: TLSFiles {
    private let settings: TLSSettings
    private let material: Mutex<TLSMaterial>

    /// Reads the files.
    /// - Throws: the first file that is not right.
    package init(_ settings: TLSSettings) throws(TLSFileError) {
        self.settings = settings
        material = Mutex(try TLSMaterial(settings))
    }

    /// Reads the files again: from here on new handshakes use them. Connections that are open go on.
    /// - Throws: the first file that is not right; then nothing has changed.
    package func reload() throws(TLSFileError) {
        let new = try TLSMaterial(settings)
        material.withLock { $0 = new }
    }

    /// Private keys and files of pre-shared keys that others than their owner may read.
    package var exposedFiles: [String] { material.withLock { $0.exposedFiles } }

    /// Begins a handshake on a connection, on its event loop.
    /// - Parameters:
    ///   - deadline: when the handshake has to be complete.
    ///   - budget: of records that are not complete.
    ///   - whenOver: called when the connection goes beyond it; it is closed.
    ///   - whenDone: called once, as `TLSHandshakeHandler` says.
    package func begin(
        _ channel: any Channel, deadline: NIODeadline, budget: OctetBudget, whenOver: @escaping () -> Void,
        whenDone: @escaping (any Channel, TLSHandshakeHandler.Outcome) throws -> Void
    ) throws {
        let material = self.material.withLock { $0 }
        let identity = NIOLoopBoundBox<String?>(nil, eventLoop: channel.eventLoop)
        let context =
            try material.preSharedKeys.map { try Self.context(material.context, $0, identity) } ?? material.context
        let tls = NIOSSLServerHandler(context: context, configuration: Self.configuration)
        let records = TLSRecords(budget: budget, whenOver: whenOver)
        let handshake = TLSHandshakeHandler(tls, identity: identity, deadline: deadline) { channel, outcome in
            records.beginCounting()
            try whenDone(channel, outcome)
        }
        try channel.pipeline.syncOperations.addHandlers(records, tls, handshake)
    }

    /// A connection keeps its last buffer of encrypted octets, so a large write should not be remembered for ever.
    private static var configuration: NIOSSLHandler.Configuration {
        var configuration = NIOSSLHandler.Configuration()
        configuration.maximumPreservedOutboundBufferCapacity = 16_384
        return configuration
    }

    /// A context for one connection: the library tells the identity only while it asks for the key, and does not say for
    /// which connection. A session cannot be resumed then, and it must not be, as a resumed one tells no identity at all.
    private static func context(
        _ shared: NIOSSLContext, _ keys: PreSharedKeys, _ identity: NIOLoopBoundBox<String?>
    ) throws -> NIOSSLContext {
        var configuration = shared.configuration
        configuration.pskServerProvider = { question in
            identity.value = question.clientIdentity
            return PSKServerIdentityResponse(key: keys.key(of: question.clientIdentity))
        }
        return try NIOSSLContext(configuration: configuration)
    }
}
