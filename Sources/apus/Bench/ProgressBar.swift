import Glibc
import LoadGenerator

/// How far a run has come, drawn over itself on standard error; nothing where that is not a terminal.
struct ProgressBar: Sendable {
    private static let width = 40
    private let isTerminal = isatty(STDERR_FILENO) == 1

    func show(_ progress: LoadProgress) {
        guard isTerminal else { return }
        let share = progress.share.map { max(0, min(1, $0)) }
        let filled = Int(((share ?? 0) * Double(Self.width)).rounded())
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
        let percent = share.map { "\(Int($0 * 100)) % " } ?? ""
        Console.note("\r\u{1B}[K\(bar) \(percent)\(progress.phase)", endsLine: false)
    }

    func clear() {
        guard isTerminal else { return }
        Console.note("\r\u{1B}[K", endsLine: false)
    }
}
