package import NIOCore
import NIOSSL
import NIOTLS

/// What a handshake told about the client.
package enum TLSClientIdentity: Sendable, Equatable {
    /// It was not asked, or had nothing to show.
    case unknown
    /// Verified against the listener's CAs.
    case certificate(CertificateNames)
    /// It knows the key that belongs to this identity.
    case preSharedKey(identity: String)
}

/// Waits for the end of a TLS handshake, hands over what it told and leaves the pipeline.
package final class TLSHandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer

    /// How the wait ended.
    package enum Outcome: Sendable, Equatable {
        case established(TLSClientIdentity)
        case failed(TLSHandshakeFailure)
        case timeout
    }

    private let tls: NIOSSLServerHandler
    /// The last identity a key was asked for.
    private let identity: NIOLoopBoundBox<String?>
    private let wait: OpeningWait<Outcome>

    /// - Parameter whenDone: called once. On `.established` it adds the handlers that come next; else the connection is closed after it.
    init(
        _ tls: NIOSSLServerHandler, identity: NIOLoopBoundBox<String?>, deadline: NIODeadline,
        whenDone: @escaping (any Channel, Outcome) throws -> Void
    ) {
        self.tls = tls
        self.identity = identity
        wait = OpeningWait(deadline: deadline, whenDone: whenDone)
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        wait.begin(context) { self.finish(.timeout, context) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) { wait.cancel() }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        finish(.established(client), context)
    }

    /// Nothing comes from below but errors of the handshake and of the socket.
    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.failed(TLSHandshakeFailure(error, usedKey: identity.value != nil)), context)
    }

    private var client: TLSClientIdentity {
        if let certificate = tls.peerCertificate {
            return .certificate((try? certificate.toDERBytes()).map(CertificateNames.init(der:)) ?? CertificateNames())
        }
        return identity.value.map { .preSharedKey(identity: $0) } ?? .unknown
    }

    private func finish(_ outcome: Outcome, _ context: ChannelHandlerContext) {
        let isGood = if case .established = outcome { true } else { false }
        guard wait.end(outcome, isGood: isGood, context) else { return }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
