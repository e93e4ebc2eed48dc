import Foundation
import Glibc

/// A program under test or used by one: started, listened to line by line, ended.
package final class Program: Sendable {
    /// Something a test waited for did not come.
    package struct Missing: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) {
            self.description = description
        }
    }

    private struct State {
        var output = OutputLines()
        var errors = OutputLines()
        var status: Int32?
        var inputIsOpen = true
    }

    private let name: String
    private let child: ChildProcess
    private let state: Shared<State>

    /// Starts `executable`; a name without slash is looked up on the path.
    package init(_ executable: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        let state = Shared(State())
        name = executable
        child = try ChildProcess.start(
            executable, arguments,
            environment: Self.inheritedEnvironment.merging(environment) { _, new in new })
        self.state = state
        ChildProcess.read(child.output) { bytes in state.change { $0.output.append(bytes) } }
        ChildProcess.read(child.errors) { bytes in state.change { $0.errors.append(bytes) } }
        child.whenEnded { status in state.change { $0.status = status } }
    }

    /// What a program gets of our environment: not the settings of a gateway that whoever runs the tests may have there.
    private static var inheritedEnvironment: [String: String] {
        ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("APUS_") }
    }

    deinit {
        finishInput()
        if state.read({ $0.status == nil }) { kill(child.identifier, SIGKILL) }
    }

    /// Lines of standard output so far, the last one also when it is not complete.
    package var lines: [String] { state.read { $0.output.lines } }
    /// Lines of standard error so far.
    package var errorLines: [String] { state.read { $0.errors.lines } }
    package var processIdentifier: Int32 { child.identifier }

    /// Waits until a line of standard output satisfies `condition`, and returns it.
    @discardableResult
    package func line(within limit: Duration = .patience, where condition: @escaping @Sendable (String) -> Bool)
        async throws -> String
    {
        let found = await state.wait(within: limit) { state in state.output.lines.first(where: condition) }
        return try orMissing(found, "a line")
    }

    /// As `line`, for standard error.
    @discardableResult
    package func errorLine(
        within limit: Duration = .patience, where condition: @escaping @Sendable (String) -> Bool
    ) async throws -> String {
        let found = await state.wait(within: limit) { state in state.errors.lines.first(where: condition) }
        return try orMissing(found, "a line on standard error")
    }

    /// Waits until `count` lines of standard output satisfy `condition`, and returns them.
    package func lines(
        _ count: Int, within limit: Duration = .patience, where condition: @escaping @Sendable (String) -> Bool
    ) async throws -> [String] {
        let found = await state.wait(within: limit) { state in
            let matching = state.output.lines.filter(condition)
            return matching.count >= count ? matching : nil
        }
        return try orMissing(found, "\(count) lines")
    }

    /// Waits for the program to end and for its last output.
    /// - Returns: its exit status; 128 + n when signal n ended it.
    package func exitStatus(within limit: Duration = .patience) async throws -> Int32 {
        let status = await state.wait(within: limit) { state in
            state.output.isClosed && state.errors.isClosed ? state.status : nil
        }
        return try orMissing(status, "its end")
    }

    package func signal(_ number: Int32) { kill(child.identifier, number) }

    /// Writes `octets` to its standard input and closes that. A program that has ended has no use for them.
    package func finishInput(_ octets: [UInt8] = []) {
        let isFirst = state.change { state in
            defer { state.inputIsOpen = false }
            return state.inputIsOpen
        }
        guard isFirst else { return }
        write(octets)
        close(child.input)
    }

    /// Writes `text` to its standard input, which stays open.
    package func type(_ text: String) { write(Array(text.utf8)) }

    private func write(_ octets: [UInt8]) {
        var octets = octets[...]
        while !octets.isEmpty {
            let count = octets.withUnsafeBytes { Glibc.write(child.input, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            octets = octets.dropFirst(count)
        }
    }

    private func orMissing<T>(_ value: T?, _ what: String) throws -> T {
        if let value { return value }
        let (output, errors) = (lines.joined(separator: "\n"), errorLines.joined(separator: "\n"))
        throw Missing(description: "\(name): waited in vain for \(what)\noutput:\n\(output)\nerrors:\n\(errors)")
    }
}

/// Text cut into lines as it arrives.
private struct OutputLines {
    private var complete: [String] = []
    private var rest: [UInt8] = []
    private(set) var isClosed = false

    var lines: [String] { rest.isEmpty ? complete : complete + [String(decoding: rest, as: UTF8.self)] }

    /// No bytes are the end.
    mutating func append(_ bytes: [UInt8]) {
        if bytes.isEmpty { isClosed = true }
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                complete.append(String(decoding: rest, as: UTF8.self))
                rest.removeAll(keepingCapacity: true)
            } else {
                rest.append(byte)
            }
        }
    }
}
