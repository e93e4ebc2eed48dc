import ArgumentParser
import Logging
import Messaging
import Settings
import Telemetry

/// `apus serve`: the gateway itself.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Start the gateway.",
        discussion: """
            Without settings it listens on this machine's loopback only. SIGTERM or Ctrl-C stops it gracefully, a second \
            one at once; SIGHUP reads the password, ACL and TLS files again. Exit status: 0 stopped as asked, 64 wrong usage, 69 a listener cannot be opened, 70 a defect, \
            78 wrong settings.
            """)

    @OptionGroup var options: SettingsOptions

    @Option(help: "Write the listeners as JSON to this file once all of them serve.")
    var readyFile: String?

    func run() async throws {
        let configuration = try options.load()
        let signals = StopSignals()
        let reloads = ReloadSignals()
        StandardErrorLogHandler.bootstrap(level: configuration.settings.log.loggerLevel)
        let logger = Logger(label: "apus")

        let assembly = try assemble(configuration)
        let listeners = try await start(assembly, configuration)
        let banner = Banner(
            version: Apus.version, program: CommandLine.arguments[0], listeners: listeners,
            clientOptions: configuration.clientOptions, store: configuration.storeSentence)
        Console.output(banner.text)
        assembly.warnOfExposedKeys()
        logger.info("serving", metadata: ["listeners": "\(listeners.count)"])

        let chores = assembly.beginChores(reloads: reloads)
        await signals.wait()
        logger.info("stopping")
        chores.cancel()
        let stopped = await assembly.stop(within: configuration.settings.shutdownTimeout)
        if stopped {
            logger.info("stopped")
        } else {
            logger.warning("stopped before all connections were closed")
        }
    }

    private func assemble(_ configuration: Configuration) throws -> Assembly {
        do {
            return try Assembly(configuration)
        } catch let error as SettingsError {
            // A file that was right a moment ago.
            Console.complain("\(error)")
            throw ExitStatus.configuration
        } catch let error as StoreError {
            Console.complain(error.description)
            throw ExitStatus.unavailable
        }
    }

    private func start(_ assembly: Assembly, _ configuration: Configuration) async throws -> [Listener] {
        let listeners: [Listener]
        do {
            listeners = try await assembly.service.start()
        } catch {
            Console.complain(error.sentence { configuration.origin(of: $0) })
            throw ExitStatus.unavailable
        }
        guard let readyFile else { return listeners }
        do {
            try ReadyFile(path: readyFile).write(listeners)
        } catch {
            Console.complain("the file \(readyFile) cannot be written: check the path after --ready-file")
            _ = await assembly.service.stop(within: configuration.settings.shutdownTimeout)
            throw ExitStatus.unavailable
        }
        return listeners
    }
}
