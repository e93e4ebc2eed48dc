import Messaging

/// A mailbox's account, and what its publishers were refused. There is one for each of very many sessions, most of which have lost
/// nothing: what is lost is counted apart, and what is queued is not counted here but is what is really there.
struct MailboxLedger {
    var accepted: UInt64 = 0
    var delivered: UInt64 = 0
    private var losses = Rarely<Losses>()

    private struct Losses {
        var account = DropLedger()
        var refused: UInt64 = 0
    }

    var expired: UInt64 {
        get { losses.look { $0.account.expired } ?? 0 }
        set { losses.change(from: Losses()) { $0.account.expired = newValue } }
    }

    subscript(dropped reason: DropReason) -> UInt64 {
        get { losses.look { $0.account[dropped: reason] } ?? 0 }
        set {
            guard newValue > 0 || losses.value != nil else { return }
            losses.change(from: Losses()) { $0.account[dropped: reason] = newValue }
        }
    }

    /// Messages that were not even offered, as their publishers were refused.
    var refused: UInt64 {
        get { losses.look { $0.refused } ?? 0 }
        set { losses.change(from: Losses()) { $0.refused = newValue } }
    }

    func account(queued: Int) -> DropLedger {
        var account = losses.value?.account ?? DropLedger()
        account.accepted = accepted
        account.delivered = delivered
        account.queued = UInt64(queued)
        return account
    }
}
