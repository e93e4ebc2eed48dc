// Dispatch sources may be used from any thread (dispatch_source_cancel(3)); the module does not say so in its types.
@preconcurrency import Dispatch
import Glibc
import Messaging

/// SIGTERM and SIGINT as something to wait for. The first asks for a graceful stop; the second ends the process at once.
struct StopSignals: Sendable {
    private let first: AsyncStream<Int32>

    /// Starts listening; from here on the signals no longer end the process by themselves.
    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        first = stream
        let queue = DispatchQueue(label: "apus.signals")
        // A closed pipe or socket is an error of the write that meets it, never the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            return DispatchSource.makeSignalSource(signal: number, queue: queue)
        }
        let heard = Counter()
        for (number, source) in zip([SIGTERM, SIGINT], sources) {
            source.setEventHandler {
                if heard.current > 0 { _exit(128 + number) }
                heard.add()
                continuation.yield(number)
            }
            source.resume()
        }
        continuation.onTermination = { _ in sources.forEach { $0.cancel() } }
    }

    /// Returns when the first signal has come.
    func wait() async {
        for await _ in first { return }
    }
}
