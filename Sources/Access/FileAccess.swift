/// The files that say who may enter and what they may do, and what answers by them.
package final class FileAccess: Sendable {
    /// Nil without password file.
    package let authenticator: PasswordAuthenticator?
    /// Nil without ACL file.
    package let authorizer: AccessListAuthorizer?
    private let paths: Paths

    package struct Paths: Sendable, Equatable {
        package let passwordFile: String?
        package let accessListFile: String?

        package init(passwordFile: String?, accessListFile: String?) {
            self.passwordFile = passwordFile
            self.accessListFile = accessListFile
        }

        /// Reads what there is, whole.
        /// - Throws: the first line that is not right.
        package func read() throws(AccessFileError) -> Contents {
            Contents(
                passwords: try passwordFile.map { path throws(AccessFileError) in try PasswordFile(path: path) },
                accessList: try accessListFile.map { path throws(AccessFileError) in try AccessList(path: path) })
        }
    }

    package struct Contents: Sendable {
        let passwords: PasswordFile?
        let accessList: AccessList?
    }

    package init(_ paths: Paths, anonymous: AnonymousAccess) throws(AccessFileError) {
        self.paths = paths
        let contents = try paths.read()
        authenticator = contents.passwords.map { PasswordAuthenticator($0, anonymous: anonymous) }
        authorizer = contents.accessList.map { AccessListAuthorizer($0) }
    }

    /// Reads the files again. Both take effect or neither does; to be followed by `recheckAccess` of the core.
    /// - Throws: the first line that is not right; the rules that held go on.
    package func reload() throws(AccessFileError) {
        let contents = try paths.read()
        if let passwords = contents.passwords { authenticator?.replace(passwords) }
        if let accessList = contents.accessList { authorizer?.replace(accessList) }
    }
}
