import Glibc

/// Where a broker listens, looked up once.
struct ResolvedAddress {
    private let storage: sockaddr_storage
    private let length: socklen_t

    init(host: String, port: Int) throws(LoadError) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &list) == 0, let first = list else { throw .unknownHost(host) }
        defer { freeaddrinfo(list) }
        var storage = sockaddr_storage()
        memcpy(&storage, first.pointee.ai_addr, Int(first.pointee.ai_addrlen))
        self.storage = storage
        length = first.pointee.ai_addrlen
    }

    /// A socket that is connected or about to be; becoming writable says which, with `StreamSocket.error`.
    func connect() throws(LoadError) -> Int32 {
        let descriptor = try connect(SOCK_STREAM)
        var noDelay: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, socklen_t(MemoryLayout<Int32>.size))
        return descriptor
    }

    /// A datagram socket with a port of its own that exchanges datagrams with this address only.
    func connectDatagrams() throws(LoadError) -> Int32 { try connect(SOCK_DGRAM) }

    private func connect(_ type: __socket_type) throws(LoadError) -> Int32 {
        let kind = Int32(type.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(Int32(storage.ss_family), kind, 0)
        guard descriptor >= 0 else { throw .system() }
        let result = withUnsafePointer(to: storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, length) }
        }
        guard result == 0 || errno == EINPROGRESS else {
            let number = errno
            close(descriptor)
            throw .system(number)
        }
        return descriptor
    }
}

/// Calls on a connected stream socket that never wait.
enum StreamSocket {
    enum Outcome: Equatable {
        case octets(Int)
        /// Nothing there to read, or no room to write.
        case wouldBlock
        /// The other side has closed, or the connection broke.
        case closed
    }

    static func read(_ descriptor: Int32, into buffer: inout [UInt8], from offset: Int) -> Outcome {
        let count = buffer.withUnsafeMutableBytes {
            Glibc.read(descriptor, $0.baseAddress?.advanced(by: offset), $0.count - offset)
        }
        return count > 0 ? .octets(count) : count < 0 && errno == EAGAIN ? .wouldBlock : .closed
    }

    static func write(_ descriptor: Int32, _ buffer: [UInt8], from offset: Int) -> Outcome {
        let count = buffer.withUnsafeBytes {
            send(descriptor, $0.baseAddress?.advanced(by: offset), $0.count - offset, Int32(MSG_NOSIGNAL))
        }
        return count >= 0 ? .octets(count) : errno == EAGAIN ? .wouldBlock : .closed
    }

    /// What became of a `connect`; 0 for success.
    static func error(_ descriptor: Int32) -> Int32 {
        var number: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size)
        return number
    }
}

extension LoadGenerator {
    /// Whether something on this machine's loopback takes a connection.
    package static func isListening(port: Int) -> Bool {
        guard let address = try? ResolvedAddress(host: "127.0.0.1", port: port), let socket = try? address.connect()
        else {
            return false
        }
        defer { close(socket) }
        var state = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        return poll(&state, 1, 100) == 1 && StreamSocket.error(socket) == 0
    }
}
