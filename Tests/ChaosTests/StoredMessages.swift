import Foundation

/// What `apus store export` says a dead gateway left behind.
struct StoredMessages {
    private struct Line: Decodable {
        var kind: String
        var number: UInt64?
        var client: String?
        var session: UInt64?
        var topic: String?
        var payload: Data?
    }

    /// By client id and publisher: numbers of the messages in its mailbox.
    private(set) var queued: [String: [UInt32: Set<UInt64>]] = [:]
    /// By publisher: number of the retained message.
    private(set) var retained: [UInt32: UInt64] = [:]
    private(set) var count = 0

    init(_ lines: [String]) throws {
        let decoder = JSONDecoder()
        var clients: [UInt64: String] = [:]
        for text in lines where !text.isEmpty {
            let line = try decoder.decode(Line.self, from: Data(text.utf8))
            let numbered = line.payload.flatMap { NumberedPayload.read(Array($0)) }
            switch line.kind {
            case "session":
                if let number = line.number { clients[number] = line.client }
            case "queued":
                count += 1
                guard let client = line.session.flatMap({ clients[$0] }), let numbered else { continue }
                queued[client, default: [:]][numbered.publisher, default: []].insert(numbered.number)
            case "retained":
                if let numbered { retained[numbered.publisher] = numbered.number }
            default: break
            }
        }
    }

    /// What was acknowledged and is neither here nor with its receiver.
    func losses(_ account: Account) -> [String] {
        var losses: [String] = []
        for client in account.subscribers.sorted() {
            for (publisher, numbers) in account.missing(of: client) {
                let lost = numbers.filter { queued[client]?[publisher]?.contains($0) != true }
                if let first = lost.first {
                    losses.append(
                        "\(client) will miss \(lost.count) acknowledged messages of publisher \(publisher), \(first) first"
                    )
                }
            }
        }
        for (publisher, manner) in account.publishers where manner.retains {
            let end = account.acknowledged[publisher] ?? 0
            if end > 0, retained[publisher].map({ $0 + 1 < end }) ?? true {
                losses.append(
                    "the retained message of publisher \(publisher) is older than \(end - 1), which was acknowledged")
            }
        }
        return losses
    }
}
