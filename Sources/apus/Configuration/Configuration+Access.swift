import Access
import Settings

/// The files of `access`, as settings that may be wrong like any other.
extension Configuration {
    /// Names that `Peer.listener` can have: listeners, and LwM2M, which is a guest on the CoAP port.
    private var listenerNames: [String] { listeners.map(\.key) + ["lwm2m"] }

    private var paths: FileAccess.Paths {
        FileAccess.Paths(passwordFile: settings.access.passwordFile, accessListFile: settings.access.aclFile)
    }

    /// Reads the files.
    func access() throws(SettingsError) -> FileAccess {
        do throws(AccessFileError) {
            let listeners = Set(settings.access.anonymousListeners)
            return try FileAccess(
                paths, anonymous: AnonymousAccess(isAllowed: settings.allowAnonymous, listeners: listeners))
        } catch {
            throw problem(error)
        }
    }

    func checkAccess() throws(SettingsError) {
        let key = "access.anonymous_listeners"
        if let unknown = settings.access.anonymousListeners.first(where: { !listenerNames.contains($0) }) {
            throw problem(
                key, "names \"\(unknown)\", which is no listener",
                remedy: "use some of \(listenerNames.joined(separator: ", "))")
        }
        guard settings.access.passwordFile != nil || settings.access.anonymousListeners.isEmpty else {
            throw problem(
                key, "means nothing without a password file", remedy: "set access.password_file, or leave the list empty")
        }
        do throws(AccessFileError) {
            _ = try paths.read()
        } catch {
            throw problem(error)
        }
    }

    private func problem(_ error: AccessFileError) -> SettingsError {
        let key = error.path == settings.access.passwordFile ? "access.password_file" : "access.acl_file"
        let place = error.line.map { "\(error.path):\($0)" } ?? error.path
        return problem(key, "names a file that is not right, \(place): \(error.problem)", remedy: error.remedy)
    }
}
