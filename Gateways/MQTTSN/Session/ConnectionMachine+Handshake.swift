import Messaging
import NIOCore

/// CONNECT and the will handshake (MQTT-SN 6.2, 6.3). Until it is complete there is no session, and nothing of an earlier
/// one is touched.
extension ConnectionMachine {
    mutating func start(now: Timestamp, into actions: inout [Action]) {
        guard connect.will else {
            phase = .opening
            actions.append(.open(.unchanged))
            return
        }
        phase = .awaitingWillTopic
        ask(now: now, into: &actions)
    }

    mutating func receiveInHandshake(_ packet: Packet, now: Timestamp, into actions: inout [Action]) {
        switch packet {
        case .willTopic(nil): open(.removed, into: &actions)
        case .willTopic(let topic?): receive(topic, now: now, into: &actions)
        case .willMessage(let payload):
            guard case .awaitingWillMessage(let topic) = phase else { return actions.append(.ignore) }
            open(.set(topic, payload), into: &actions)
        case .disconnect:
            phase = .ended
            handshakeTimer = nil
            actions.append(.send(.disconnect(duration: nil)))
            actions.append(.abandon)
        default:
            actions.append(.ignore)
        }
    }

    /// Also when it comes again because WILLMSGREQ was lost.
    private mutating func receive(_ topic: Packet.WillTopic, now: Timestamp, into actions: inout [Action]) {
        guard topic.qos.qos != nil, (try? TopicName(topic.topicName)) != nil else {
            phase = .opening
            handshakeTimer = nil
            refused(.notSupported, into: &actions)
            return
        }
        phase = .awaitingWillMessage(topic)
        ask(now: now, into: &actions)
    }

    mutating func fireHandshakeTimer(now: Timestamp, into actions: inout [Action]) {
        let retry = policy.retry
        switch handshakeTimer?.fire(retry, now: now) {
        case nil, .notDue: break
        case .sendAgain: actions.append(.sendAgain(question))
        case .exhausted:
            phase = .ended
            handshakeTimer = nil
            actions.append(.abandon)
        }
    }

    private mutating func ask(now: Timestamp, into actions: inout [Action]) {
        handshakeTimer = RetryTimer(policy.retry, now: now)
        actions.append(.send(question))
    }

    private var question: Packet { phase == .awaitingWillTopic ? .willTopicRequest : .willMessageRequest }

    private mutating func open(_ will: WillChoice, into actions: inout [Action]) {
        phase = .opening
        handshakeTimer = nil
        actions.append(.open(will))
    }
}
