import DequeModule
import Messaging

/// The part of a long queue that lies in the store alone, and its way back.
extension Mailbox {
    /// The next page to be read, if it is time: what is in memory is down to half of what may be. Where memory is tight, that is
    /// when nothing waits there any more and less than the share is on the way.
    /// - Parameter memoryShare: octets that this mailbox may hold in memory.
    mutating func nextPage(inMemory: Int, memoryShare: Int = .max) -> PageRequest? {
        guard tail.count > 0, waiting.count <= (memoryShare == .max ? inMemory / 2 : 0), window.octets < memoryShare,
            let recorder,
            let page = tail.beginPage(limit: max(1, inMemory - waiting.count), octets: memoryShare - window.octets)
        else { return nil }
        return PageRequest(session: recorder.number, sequences: page, after: tail.commit)
    }

    /// Takes in what the store has read. What has been dropped meanwhile stays dropped; what the store does not have any more,
    /// as only a damaged one can, is accounted for.
    mutating func takeIn(_ page: QueuePage) {
        tail.endPage()
        var records = page.records[...]
        moveWhole()
        while let sequence = tail.firstStub(through: page.through), case .stub(_, let octets)? = tail.removeFirst() {
            defer { moveWhole() }
            while let record = records.first, record.sequence < sequence { records.removeFirst() }
            guard let record = records.first, record.sequence == sequence, let recorder else {
                drop(.unreadable, sequence: sequence, octets: octets)
                continue
            }
            records.removeFirst()
            let entry = recorder.entry(record)
            if let unwanted = tail.unwanted, unwanted.isUnwanted(entry.message) {
                drop(unwanted.reason, sequence: sequence, octets: octets)
            } else {
                waiting.append(entry)
            }
        }
        if tail.count == 0 { tail.unwanted = nil }
    }

    private mutating func drop(_ reason: DropReason, sequence: UInt64, octets: Int) {
        waitingOctets -= octets
        recorder?.dequeue(sequence)
        ledger[dropped: reason] += 1
    }

    /// Moves on what is next and in memory.
    /// - Returns: whether there was such.
    @discardableResult
    mutating func moveWhole() -> Bool {
        guard tail.beginsWhole else { return false }
        while tail.beginsWhole, case .whole(let entry)? = tail.removeFirst() { waiting.append(entry) }
        return true
    }

    /// Whether something beyond the empty `waiting` can be asked for.
    var canGoOn: Bool {
        guard tail.count > 0 else { return false }
        if let entry = tail.firstWhole { return entry.qos == .atMostOnce || isWindowOpen }
        return tail.reading == nil && isWindowOpen
    }

    /// Accounts for an entry taken out of the tail.
    /// - Returns: whether there was one.
    mutating func drop(_ removed: MailboxTail.Removed?, _ reason: DropReason = .mailboxFull) -> Bool {
        switch removed {
        case .stub(let sequence, let octets): drop(reason, sequence: sequence, octets: octets)
        case .whole(let entry):
            forget(entry)
            ledger[dropped: reason] += 1
        case nil: return false
        }
        return true
    }
}
