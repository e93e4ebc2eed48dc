import Messaging
import Testing

@testable import Storage

/// How the changes of a batch boil down.
@Suite struct PlanTests {
    private func plan(_ changes: [StoreChange]) -> Plan {
        var plan = Plan()
        for change in changes { plan.apply(change, base: .disk) }
        return plan
    }

    @Test func whatIsOverWithinTheBatchIsNeverWritten() throws {
        let message = try message("t")
        let plan = plan([enqueue(1, 1, message), enqueue(2, 1, message), dequeue(1, 1), dequeue(2, 1)])
        #expect(plan.isEmpty)
        #expect(plan.messages.map(\.receivers) == [0])
    }

    @Test func aMessageIsWrittenOnceForAllItsReceivers() throws {
        let shared = try message("t")
        let plan = plan([enqueue(1, 1, shared), enqueue(1, 2, try message("t")), enqueue(2, 1, shared), dequeue(1, 1)])
        #expect(plan.messages.map(\.receivers) == [1, 1])
        #expect(plan.deliveries.compactMap { $0?.message } == [2, 1])
    }

    @Test func aStoredMessageGoesWithItsLastReceiver() throws {
        let message = try message("t")
        var plan = plan([enqueue(1, 1, message), enqueue(2, 1, message), enqueue(3, 1, message)])
        plan.finish()
        #expect(plan.isEmpty)
        for session in [2, 1] as [UInt64] { plan.apply(dequeue(session, 1), base: .disk) }
        #expect(plan.endedDeliveries == [2, 1])
        #expect(plan.endedMessages.isEmpty)
        plan.apply(dequeue(3, 1), base: .disk)
        plan.apply(dequeue(3, 1), base: .disk)
        #expect(plan.endedMessages == [1])
        plan.finish()
        #expect(plan.index.count == 0)
    }

    @Test func progressOfAnUnwrittenDeliveryIsPartOfIt() throws {
        let plan = plan([
            enqueue(1, 1, try message("t")),
            .progress(SessionNumber(1), sequence: 1, packetID: 7, released: false),
            .progress(SessionNumber(1), sequence: 1, packetID: 7, released: true),
        ])
        #expect(plan.progress.isEmpty)
        #expect(plan.deliveries.first??.record.packetID == 7)
        #expect(plan.deliveries.first??.record.released == true)
    }

    @Test func theEndOfASessionTakesEverythingAlong() throws {
        var plan = plan([enqueue(1, 1, try message("t"))])
        plan.finish()
        let filter = try TopicFilter("a")
        for change in [
            .putSubscription(SessionNumber(1), Subscription(filter: filter, qos: .atLeastOnce)),
            enqueue(1, 2, try message("u")), .removeSession(SessionNumber(1)),
        ] { plan.apply(change, base: .disk) }
        #expect(plan.sessions[SessionNumber(1)]?.isRemoved == true)
        #expect(plan.sessions[SessionNumber(1)]?.subscriptions.isEmpty == true)
        #expect(plan.endedDeliveries == [1] && plan.endedMessages == [1])
        #expect(plan.survivingDeliveries == 0)
    }

    @Test(arguments: [(Durability.process, false), (.disk, true)])
    func onlyWhatMustReachTheDiskSyncs(durability: Durability, syncs: Bool) throws {
        var plan = Plan()
        plan.apply(enqueue(1, 1, try message("t"), durability: durability), base: .process)
        #expect(plan.needsSync == syncs)
        plan.finish()
        plan.apply(dequeue(1, 1), base: .disk)
        #expect(!plan.needsSync)
    }

    @Test func rowsAreFoundPastGapsAndHoles() {
        var index = QueueIndex()
        let session = SessionNumber(1)
        let sequences = (0..<500).map { UInt64($0 * 3 + 10) }
        for sequence in sequences { index.append(QueueIndex.Row(sequence: sequence, id: Int64(sequence), message: 1), to: session) }
        for sequence in sequences where sequence % 2 == 0 {
            #expect(index.remove(sequence, of: session)?.id == Int64(sequence))
            #expect(index.remove(sequence, of: session) == nil)
        }
        for sequence in 0..<1_600 as Range<UInt64> {
            let isThere = sequences.contains(sequence) && sequence % 2 == 1
            #expect((index.row(sequence, of: session) != nil) == isThere)
        }
        #expect(index.removeAll(of: session).count == 250)
        #expect(index.count == 0)
    }
}
