// Dispatch sources may be used from any thread (dispatch_source_cancel(3)); the module does not say so in its types.
@preconcurrency import Dispatch
import Glibc

/// SIGHUP as something to go over: each asks for a reload. Those that come during a reload are one.
struct ReloadSignals: Sendable {
    let heard: AsyncStream<Void>

    /// Starts listening; from here on the signal no longer ends the process.
    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        heard = stream
        signal(SIGHUP, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: DispatchQueue(label: "apus.reload"))
        source.setEventHandler { continuation.yield() }
        continuation.onTermination = { _ in source.cancel() }
        source.resume()
    }
}
