import TestKit
import Testing

extension RunningApus {
    /// It still takes a message to its subscriber, and stops when asked.
    func expectServing() async throws {
        let subscriber = try await Mosquitto.subscribe(self, "still/here")
        try await Mosquitto.publish(self, "still/here", [1])
        #expect(try await subscriber.messages(1).first?.payload == [1])
        #expect(try await stop() == 0)
    }
}
