/// How long a loop is left alone until it is measured again.
struct ProbePace: Sendable {
    static let whileBusy = Duration.milliseconds(100)
    private static let whileIdle = Duration.seconds(1)
    /// A loop that works for less than this part of the time has nothing to do.
    private static let idlePart = 100
    /// A loop that is later than this is no idle one: something holds it up.
    private static let punctual = Duration.milliseconds(10)

    let interval: Duration
    /// The same in intervals of a busy loop.
    var calls: Int { Int(interval / Self.whileBusy) }
    /// What the loop has worked so far.
    private let work: Duration

    /// - Parameter work: processor time the loop's thread has used so far.
    init(work: Duration) { self.init(interval: Self.whileBusy, work: work) }

    private init(interval: Duration, work: Duration) {
        self.interval = interval
        self.work = work
    }

    /// After the interval.
    /// - Parameter delay: how late the loop was.
    func next(work: Duration, delay: Duration) -> ProbePace {
        let isIdle = (work - self.work) * Self.idlePart < interval && delay < Self.punctual
        return ProbePace(interval: isIdle ? Self.whileIdle : Self.whileBusy, work: work)
    }
}
