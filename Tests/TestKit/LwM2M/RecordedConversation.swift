import Foundation

/// Datagrams recorded between a real client and a server; see Fixtures/lwm2m.
///
/// Lines start with `<-` (from the client) or `->` (from the server) and go on in hex; `#` opens a note.
package struct RecordedConversation: Sendable {
    package enum Side: String, Sendable {
        case client = "<-"
        case server = "->"
    }

    package struct Datagram: Sendable {
        package let side: Side
        package let bytes: [UInt8]
        /// The note above the datagram: its decoded reading.
        package let note: String
    }

    package let datagrams: [Datagram]

    /// - Parameter path: from /Fixtures, e.g. `lwm2m/wakaama.txt`.
    package init(_ path: String) throws {
        let text = try String(contentsOf: FixtureTable.folder.appending(path: path), encoding: .utf8)
        var note = ""
        var datagrams: [Datagram] = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("#") {
                note = String(line.dropFirst(2))
            } else if let side = Side(rawValue: String(line.prefix(2))) {
                datagrams.append(Datagram(side: side, bytes: octets(hex: String(line.dropFirst(3))) ?? [], note: note))
            }
        }
        self.datagrams = datagrams
    }

    /// The client's CoAP messages whose note holds `words`, decoded.
    package func fromClient(_ words: String) -> [CoAPDatagram] {
        datagrams.filter { $0.side == .client && $0.note.contains(words) }.compactMap { CoAPDatagram($0.bytes) }
    }
}
