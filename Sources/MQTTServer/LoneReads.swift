/// Tells whether the reads of an event loop come alone: whether each turn of the loop has had only one that left something to do, for a while.
///
/// What reads of one turn leave to do is done together at its end, by a task of the loop. That brings nothing where there is one read, and then the
/// task is a tenth of what its message costs. A turn that turns out to have more reads has them dealt with one by one for a short while, which
/// costs what a write more costs.
///
///     turns with one read        reads at whose end all is done        turns that are looked at again
///     ────── 8 ───────▶          ──────────── 16 ───────────▶          ── 2 ──▶ more than one read? from the beginning : 16 reads more
struct LoneReads {
    /// Turns in a row, each with one read, after which reads are taken to be alone.
    private static let proof = 8
    /// Reads that are taken to be alone until a turn is looked at again.
    private static let trust = 16

    /// Reads in this turn.
    private var reads = 0
    /// Turns in a row with one read.
    private var turns = 0
    /// Reads yet to be taken to be alone.
    private var trusted = 0
    /// The turn was not looked at from its beginning.
    private var isPartial = false

    /// A read has left something to do.
    /// - Returns: whether it is to be done now, not at the end of the turn.
    mutating func isAlone() -> Bool {
        guard trusted == 0 else {
            trusted -= 1
            isPartial = trusted == 0
            return true
        }
        reads += 1
        return false
    }

    /// A turn ends in which `isAlone` said false.
    mutating func endTurn() {
        if !isPartial, reads > 0 {
            turns = reads == 1 ? turns + 1 : 0
            if turns >= Self.proof { trusted = Self.trust }
        }
        isPartial = false
        reads = 0
    }
}
