import ArgumentParser

/// How the program ends, in the numbers of sysexits.h; documented in the README for scripts.
enum ExitStatus {
    /// `bench`: messages were lost, doubled or overtaken.
    static let flawed = ExitCode(1)
    /// Wrong use of the command line; ArgumentParser's own number is the same, 64.
    static let usage = ExitCode(64)
    /// Something needed cannot be had: a port in use, a broker that does not answer.
    static let unavailable = ExitCode(69)
    /// A defect of ours.
    static let software = ExitCode(70)
    /// A file cannot be written.
    static let cannotCreate = ExitCode(73)
    /// What was waited for did not come in time.
    static let timeout = ExitCode(75)
    /// The other side refused: credentials, rights, a packet.
    static let refused = ExitCode(77)
    /// The settings are wrong.
    static let configuration = ExitCode(78)
    /// Ctrl-C, as shells say it.
    static let interrupted = ExitCode(130)
}
