import CFuzzer
import Foundation
import FuzzProperties

/// Runs libFuzzer on one target: `fuzz codec|websocket|proxy FOLDER [libFuzzer's options and further folders]`.
///
/// What is found new goes into FOLDER, which is first filled with the inputs of Fixtures. With files in its place, each of
/// them is tried once.
@main enum Fuzz {
    /// Set before libFuzzer starts, which calls from this one thread.
    private nonisolated(unsafe) static var target = FuzzTarget.codec

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 2, let target = FuzzTarget(rawValue: arguments[1]) else {
            FileHandle.standardError.write(
                Data("usage: fuzz codec|websocket|proxy FOLDER|FILE... [options of libFuzzer]\n".utf8))
            exit(2)
        }
        self.target = target
        try prepare(arguments[2])
        exit(run([arguments[0]] + arguments.dropFirst(2)))
    }

    /// Fills a folder; a file is an input itself.
    private static func prepare(_ path: String) throws {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue { return }
        let folder = URL(filePath: path)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (number, input) in try target.inputs().enumerated() {
            try Data(input).write(to: folder.appending(path: "fixture-\(number)"))
        }
    }

    private static func run(_ arguments: [String]) -> CInt {
        var count = CInt(arguments.count)
        // libFuzzer keeps the pointers until the process ends.
        let strings = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: arguments.count + 1)
        for (index, argument) in arguments.enumerated() { (strings + index).initialize(to: strdup(argument)) }
        (strings + arguments.count).initialize(to: nil)
        var pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = strings
        return LLVMFuzzerRunDriver(&count, &pointer) { data, size in
            do throws(PropertyViolation) {
                try Fuzz.target.check(Array(UnsafeBufferPointer(start: data, count: size)))
            } catch {
                preconditionFailure(error.description)  // how libFuzzer learns that it has found something
            }
            return 0
        }
    }
}
