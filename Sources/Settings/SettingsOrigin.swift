/// Which layer set a value, with the place an operator would go to in order to change it.
///
/// Layers are laid over each other in this order; the last one that names a key wins:
///
///     defaults  <  file  <  environment  <  --set
package enum SettingsOrigin: Sendable, Hashable {
    /// Built into the program.
    case `default`
    /// A YAML file; line and column count from 1.
    case file(path: String, line: Int, column: Int)
    /// An environment variable, by its full name.
    case environment(name: String)
    /// A `--set` argument, by the key path it was given with.
    case argument(key: String)
}

extension SettingsOrigin: CustomStringConvertible {
    package var description: String {
        switch self {
        case .default: "default"
        case .file(let path, let line, let column): "\(path):\(line):\(column)"
        case .environment(let name): "environment variable \(name)"
        case .argument(let key): "--set \(key)"
        }
    }
}
