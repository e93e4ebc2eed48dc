import Foundation
import Settings

/// The settings of one start: read from all layers, decoded and checked.
struct Configuration: Sendable {
    let settings: ProductSettings
    /// Every value with the layer that set it.
    let effective: [EffectiveSetting]

    static let environmentPrefix = "APUS_"

    /// - Parameters:
    ///   - file: path of the YAML file; nil to start from the defaults alone.
    ///   - arguments: `key.path=value`, the strongest layer.
    /// - Throws: the first thing wrong, with key, place and remedy.
    static func load(file: String?, arguments: [String]) throws(SettingsError) -> Configuration {
        var layers = try SettingsLayers(defaults: DefaultSettings.yaml)
        if let file { try layers.add(file: file) }
        try layers.add(environment: ProcessInfo.processInfo.environment, prefix: environmentPrefix)
        try layers.add(arguments: arguments)
        let (settings, effective) = try layers.decode(ProductSettings.self)
        let configuration = Configuration(settings: settings, effective: effective)
        try configuration.check()
        return configuration
    }

    /// Where the value of `key` comes from; for part of a list, where the list does.
    func origin(of key: String) -> SettingsOrigin {
        var parts = key.split(separator: ".")
        while !parts.isEmpty {
            let name = parts.joined(separator: ".")
            if let value = effective.first(where: { $0.key == name }) { return value.origin }
            parts.removeLast()
        }
        return .default
    }
}
