/// The client's end of a WebSocket whose frames are made by hand (RFC 6455, 5.2).
package final class RawWebSocket: Sendable {
    package enum Opcode: UInt8, Sendable { case continuation = 0, text, binary, close = 8, ping, pong }

    package struct Frame: Sendable, Equatable {
        package var opcode: Opcode
        package var octets: [UInt8]

        package init(opcode: Opcode, octets: [UInt8]) {
            self.opcode = opcode
            self.octets = octets
        }
    }

    private let socket: RawSocket

    /// Returns when the WebSocket is open.
    package init(port: Int) async throws {
        socket = try RawSocket(.tcp, port: port)
        socket.send(Self.request(path: "/mqtt", headers: []))
        let answer = try await socket.wait { Self.head($0.octets) }
        guard answer.hasPrefix("HTTP/1.1 101 ") else { throw Program.Missing(description: "no WebSocket: \(answer)") }
    }

    /// The status line and headers that answer a request; `headers` come instead of those of the same name.
    package static func answer(port: Int, path: String, headers: [String]) async throws -> String {
        let socket = try RawSocket(.tcp, port: port)
        socket.send(request(path: path, headers: headers))
        return try await socket.wait { head($0.octets) }
    }

    package func send(_ opcode: Opcode, _ octets: [UInt8], isLast: Bool = true) {
        socket.send(Self.frame(opcode, octets, isLast: isLast))
    }

    /// Octets that are no frame, or only part of one.
    package func send(raw octets: [UInt8]) { socket.send(octets) }

    /// As `RawSocket.flood`.
    package func flood(_ octets: [UInt8], times count: Int) -> Shared<Int> { socket.flood(octets, times: count) }

    /// One frame, masked as a client's have to be.
    package static func frame(_ opcode: Opcode, _ octets: [UInt8], isLast: Bool = true) -> [UInt8] {
        let mask: [UInt8] = [0x11, 0x22, 0x33, 0x44]
        let count = octets.count
        let length: [UInt8] = count < 126 ? [0x80 | UInt8(count)] : [0xFE, UInt8(count >> 8), UInt8(count & 0xFF)]
        let masked = octets.enumerated().map { $1 ^ mask[$0 % 4] }
        return [(isLast ? 0x80 : 0) | opcode.rawValue] + length + mask + masked
    }

    /// The frames received so far.
    package var frames: [Frame] {
        socket.received.read { Self.frames($0.octets) }
    }

    /// Waits until the binary frames hold exactly `octets`.
    package func waitForOctets(_ octets: [UInt8]) async throws {
        try await socket.wait { received in
            Self.frames(received.octets).filter { $0.opcode == .binary }.flatMap(\.octets) == octets ? true : nil
        }
    }

    /// Waits until the frames satisfy `condition`, and returns them.
    @discardableResult
    package func waitForFrames(where condition: @escaping @Sendable ([Frame]) -> Bool) async throws -> [Frame] {
        try await socket.wait { received in
            let frames = Self.frames(received.octets)
            return condition(frames) ? frames : nil
        }
    }

    /// Waits for a frame that satisfies `condition`, and returns all that came.
    @discardableResult
    package func waitForFrame(where condition: @escaping @Sendable (Frame) -> Bool) async throws -> [Frame] {
        try await waitForFrames { $0.contains(where: condition) }
    }

    /// Waits until the gateway has closed the connection.
    /// - Returns: its last frame.
    package func waitForEnd() async throws -> Frame? {
        try await socket.wait { $0.isClosed ? .some(Self.frames($0.octets).last) : nil }
    }

    package static func request(path: String = "/mqtt", headers: [String] = []) -> [UInt8] {
        let usual = [
            "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: mqtt",
        ]
        let names = headers.map { $0.prefix { $0 != ":" } }
        let lines = usual.filter { line in !names.contains(line.prefix { $0 != ":" }) } + headers
        return Array((["GET \(path) HTTP/1.1"] + lines + ["", ""]).joined(separator: "\r\n").utf8)
    }

    /// The answer to the request, once it is complete.
    private static func head(_ octets: [UInt8]) -> String? {
        endOfHead(octets).map { String(decoding: octets[..<$0], as: UTF8.self) }
    }

    private static func endOfHead(_ octets: [UInt8]) -> Int? {
        octets.firstRange(of: [0x0D, 0x0A, 0x0D, 0x0A] as [UInt8])?.upperBound
    }

    /// A server's frames are not masked; ours are shorter than 64 KB.
    private static func frames(_ octets: [UInt8]) -> [Frame] {
        var rest = octets.dropFirst(endOfHead(octets) ?? octets.count)
        var frames: [Frame] = []
        while rest.count >= 2 {
            let start = rest.startIndex
            var (header, count) = (2, Int(rest[start + 1] & 0x7F))
            if count == 126, rest.count >= 4 { (header, count) = (4, Int(rest[start + 2]) << 8 | Int(rest[start + 3])) }
            guard rest.count >= header + count, let opcode = Opcode(rawValue: rest[start] & 0x0F) else { break }
            frames.append(Frame(opcode: opcode, octets: Array(rest.dropFirst(header).prefix(count))))
            rest = rest.dropFirst(header + count)
        }
        return frames
    }
}
