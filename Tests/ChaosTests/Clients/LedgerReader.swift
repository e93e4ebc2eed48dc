import Foundation
import MQTTCodec
import NIOCore
import TestKit

/// Follows `$SYS/broker/ledger`.
final class LedgerReader: MQTTClientState {
    let version = ProtocolVersion.v5
    private let account: Shared<Account>

    init(_ account: Shared<Account>) { self.account = account }

    func connect() -> Connect { Connect(version: .v5, clientIdentifier: "ledger") }

    func connected(isSessionPresent: Bool) -> [Packet] {
        [.subscribe(Subscribe(1, filters: [Subscribe.Filter("$SYS/broker/ledger", qos: .atMostOnce)]))]
    }

    func receive(_ packet: Packet) -> [Packet] {
        guard case .publish(let message) = packet else { return [] }
        let payload = Data(message.payload.readableBytesView)
        account.change { account in
            do {
                account.read(try JSONDecoder().decode(Ledger.self, from: payload))
            } catch {
                account.violate("no ledger: \(error)")
            }
        }
        return []
    }

    func tick() -> [Packet] { [] }
}
