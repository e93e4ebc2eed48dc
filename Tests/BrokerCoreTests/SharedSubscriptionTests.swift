import Messaging
import TestKit
import Testing

@testable import BrokerCore

/// What MQTT 5.0, 4.8.2 asks of a server beyond picking a member.
@Suite struct SharedSubscriptionTests {
    /// MQTT-4.8.2-3
    @Test func eachMemberGetsItsOwnQoS() throws {
        let harness = try Harness()
        let members = try [("a", QoS.atMostOnce), ("b", .atLeastOnce), ("c", .exactlyOnce)].map { name, qos in
            let member = try harness.connect(name)
            try member.subscribe("$share/g/t", qos)
            return (member, qos)
        }
        for _ in 0..<6 { try harness.publish("t", "x", qos: .exactlyOnce) }
        for (member, qos) in members { #expect(try member.take().map(\.qos) == [qos, qos]) }
    }

    /// MQTT-4.8.2-4, MQTT-4.8.2-5
    @Test func anExactlyOnceMessageStaysWithTheMemberItWentTo() throws {
        let harness = try Harness()
        let member = try harness.connect("a", .durable)
        try member.subscribe("$share/g/t")
        try harness.publish("t", "x", qos: .exactlyOnce)
        #expect(try member.take().count == 1)
        let other = try harness.connect("b")
        try other.subscribe("$share/g/t")
        try member.detach(.lost)
        #expect(try other.take().isEmpty)
        let again = try harness.connect("a", .durable)
        #expect(try again.received() == ["x"])
        try again.detach(.lost)
        harness.advance(.seconds(7_200))
        #expect(try other.take().isEmpty)
    }

    /// MQTT-4.8.2-6
    /// MQTT 5.0, 4.8.2: also what was sent to a member whose session ends with its connection, and is held for the others only.
    @Test func whatWasSentToAMemberThatLeavesGoesToAnother() throws {
        let harness = try Harness()
        let member = try harness.connect("1", .endsWithConnection)
        try member.subscribe("$share/g/a", .atLeastOnce)
        try harness.publish("a", "x")
        #expect(try member.received() == ["x"])
        let other = try harness.connect("2", .endsWithConnection)
        try other.subscribe("$share/g/a", .atLeastOnce)
        try member.detach(.lost)
        #expect(try other.received() == ["x"])
    }

    @Test func whatAMemberRefusesGoesToNobodyElse() throws {
        let harness = try Harness()
        let member = try harness.connect("a")
        try member.subscribe("$share/g/t")
        try harness.publish("t", "x")
        let packetID = try #require(try member.take().first).packetID
        let other = try harness.connect("b")
        try other.subscribe("$share/g/t")
        let settled = try member.attachment.settle(packetID: packetID, .refused)
        #expect(settled)
        try member.detach(.goodbye)
        #expect(try other.take().isEmpty)
    }

    /// MQTT 5.0, 4.8.2, MQTT-3.3.4-5: who subscribes both ways gets a copy each way.
    @Test func eachSharedSubscriptionBringsACopyOfItsOwn() throws {
        let harness = try Harness()
        let client = try harness.connect("a")
        for (number, filter) in ["t", "+", "$share/g/t", "$share/h/#"].enumerated() {
            let subscription = Subscription(
                filter: try TopicFilter(filter), qos: number == 2 ? .atMostOnce : .atLeastOnce,
                identifier: UInt32(number + 1))
            let outcomes = try client.attachment.subscribe([subscription]).outcomes
            #expect(outcomes == [.granted(subscription.qos)])
        }
        #expect(try harness.publish("t", "x") == .accepted(receivers: 3, commit: .none))
        let copies = try client.take()
        #expect(Set(copies.map { $0.subscriptionIDs.array.sorted() }) == [[1, 2], [3], [4]])
        #expect(copies.first { $0.subscriptionIDs == .one(3) }?.qos == .atMostOnce)
    }
}
