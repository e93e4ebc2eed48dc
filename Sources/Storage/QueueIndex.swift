import DequeModule
import Messaging

/// Where each queued delivery lies in the file. Deliveries are named by session and sequence; rows are found here, because
/// a search tree in the file would cost a page write for each of them. 24 octets a delivery.
struct QueueIndex {
    struct Row: Equatable {
        let sequence: UInt64
        /// Key in `queue`; 0 for a row that has gone.
        var id: Int64
        /// Key in `message`.
        let message: Int64
    }

    /// One session's rows by ascending sequence. Rows that have gone leave a hole until the ones before them have, too, or
    /// until holes are in the majority.
    private struct Rows {
        var rows = Deque<Row>()
        var holes = 0

        func position(of sequence: UInt64) -> Int? {
            guard let first = rows.first, sequence >= first.sequence else { return nil }
            // Sequences are mostly without gaps, so the place is mostly known.
            let guess = sequence - first.sequence
            if guess < UInt64(rows.count), rows[Int(guess)].sequence == sequence { return Int(guess) }
            var low = 0
            var high = rows.count
            while low < high {
                let middle = (low + high) / 2
                if rows[middle].sequence < sequence { low = middle + 1 } else { high = middle }
            }
            return low < rows.count && rows[low].sequence == sequence ? low : nil
        }

        mutating func remove(at position: Int) {
            rows[position].id = 0
            holes += 1
            while let first = rows.first, first.id == 0 {
                rows.removeFirst()
                holes -= 1
            }
            if holes > 64, holes > rows.count / 2 {
                rows.removeAll { $0.id == 0 }
                holes = 0
            }
        }
    }

    private var sessions: [SessionNumber: Rows] = [:]
    /// Rows that refer to a message, for messages with more than one.
    private var references: [Int64: Int] = [:]
    private(set) var count = 0

    /// Sequences arrive in ascending order within a session.
    mutating func append(_ row: Row, to session: SessionNumber) {
        sessions[session, default: Rows()].rows.append(row)
        count += 1
    }

    func row(_ sequence: UInt64, of session: SessionNumber) -> Row? {
        guard let rows = sessions[session], let position = rows.position(of: sequence) else { return nil }
        let row = rows.rows[position]
        return row.id == 0 ? nil : row
    }

    /// The rows with sequences in `range`, and the greatest sequence the session has.
    func rows(of session: SessionNumber, in range: ClosedRange<UInt64>) -> (rows: [Row], last: UInt64) {
        guard let rows = sessions[session]?.rows, let last = rows.last else { return ([], 0) }
        var low = rows.startIndex
        var high = rows.endIndex
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].sequence < range.lowerBound { low = middle + 1 } else { high = middle }
        }
        let wanted = rows[low...].lazy.prefix { $0.sequence <= range.upperBound }.filter { $0.id != 0 }
        return (Array(wanted), last.sequence)
    }

    /// Takes a row out.
    mutating func remove(_ sequence: UInt64, of session: SessionNumber) -> Row? {
        guard let position = sessions[session]?.position(of: sequence), let row = sessions[session]?.rows[position],
            row.id != 0
        else { return nil }
        sessions[session]?.remove(at: position)
        if sessions[session]?.rows.isEmpty == true { sessions[session] = nil }
        count -= 1
        return row
    }

    mutating func removeAll(of session: SessionNumber) -> [Row] {
        guard let rows = sessions.removeValue(forKey: session) else { return [] }
        let present = Array(rows.rows.filter { $0.id != 0 })
        count -= present.count
        return present
    }

    /// Gives back the memory that growing left over.
    mutating func reclaim() {
        for number in Array(sessions.keys) {
            guard var old = sessions.removeValue(forKey: number) else { continue }
            var rows = Deque<Row>(minimumCapacity: old.rows.count)
            rows.append(contentsOf: old.rows)
            old.rows = rows
            sessions[number] = old
        }
    }

    /// Sets how many rows refer to a message; not needed for one.
    mutating func setReferences(_ count: Int, to message: Int64) {
        if count > 1 { references[message] = count }
    }

    /// - Returns: whether it was the last, so that the message can go.
    mutating func removeReference(to message: Int64) -> Bool {
        guard let count = references[message] else { return true }
        references[message] = count > 2 ? count - 1 : nil
        return false
    }
}
