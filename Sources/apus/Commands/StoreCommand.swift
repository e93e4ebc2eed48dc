import ArgumentParser
import Foundation
import Messaging
import Settings
import Storage

/// `apus store …`: look at, check and copy what the gateway keeps.
struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Look at, check and copy what the gateway keeps.",
        discussion: """
            info, verify, backup and export work while the gateway is running; import needs a store that is empty and not in \
            use. The store is found by data_dir of the settings. Exit status 0 when all went well, 69 when the store cannot be \
            read or written, 70 when verify finds something wrong.
            """,
        subcommands: [Info.self, Verify.self, Backup.self, Export.self, Import.self])

    /// Runs `body` on the store of the settings; what goes wrong is one sentence.
    fileprivate static func maintain(_ options: SettingsOptions, _ body: (StoreMaintenance) throws -> Void) throws {
        let store = StoreMaintenance(path: try options.load().storePath)
        do {
            try body(store)
        } catch let error as StoreError {
            Console.complain(error.description)
            throw ExitStatus.unavailable
        }
    }
}

extension StoreCommand {
    struct Info: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What is in the store, and how large it is.")
        @OptionGroup var options: SettingsOptions

        func run() throws {
            try StoreCommand.maintain(options) { store in
                let summary = try store.summary()
                let rows: [(String, String)] = [
                    ("file", store.path), ("schema", "\(summary.schema)"), ("in use", summary.isInUse ? "yes" : "no"),
                    ("size", "\(summary.fileOctets) bytes, log \(summary.logOctets) bytes"),
                    ("sessions", "\(summary.sessions)"), ("subscriptions", "\(summary.subscriptions)"),
                    ("queued", "\(summary.queuedDeliveries) deliveries of \(summary.messages) messages"),
                    ("payload", "\(summary.payloadOctets) bytes"), ("retained", "\(summary.retained)"),
                    ("delayed", "\(summary.delayed) messages"), ("kept", "\(summary.items) items of gateways"),
                ]
                for (name, value) in rows {
                    Console.output("\(name):\(String(repeating: " ", count: 14 - name.count))\(value)")
                }
            }
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read every page and every reference, and say what is wrong.")
        @OptionGroup var options: SettingsOptions

        func run() throws {
            try StoreCommand.maintain(options) { store in
                let findings = try store.verify()
                guard !findings.isEmpty else {
                    Console.output("the store is sound (\(store.path))")
                    return
                }
                for finding in findings { Console.complain(finding) }
                throw ExitStatus.software
            }
        }
    }

    struct Backup: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy the store as it is at this moment into a new file.",
            discussion: "To go back to it, stop the gateway and put the copy in the place of data_dir/apus.db.")
        @Argument(help: "The file to make.") var file: String
        @OptionGroup var options: SettingsOptions

        func run() throws {
            try StoreCommand.maintain(options) { store in
                try store.backup(to: file)
                Console.output("backed up to \(file)")
            }
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write everything to standard output, a JSON object a line.",
            discussion: "The lines contain the payloads of queued and retained messages.")
        @OptionGroup var options: SettingsOptions

        func run() throws {
            try StoreCommand.maintain(options) { store in
                try store.export { Console.output($0) }
            }
        }
    }

    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import", abstract: "Fill an empty store with exported lines from standard input.")
        @OptionGroup var options: SettingsOptions

        func run() throws {
            try StoreCommand.maintain(options) { store in
                let count = try store.importing(AnySequence { AnyIterator { readLine() } })
                Console.output("\(count) lines imported into \(store.path)")
            }
        }
    }
}
