/// The options of one received message as values, read one after the other.
///
/// Elective options with unusable values are ignored, critical ones make the message unusable (RFC 7252, 5.4.1 and 5.4.3).
struct ReceivedOptions: Equatable {
    private(set) var path: [String] = []
    private(set) var queries: [String] = []
    private(set) var locationPath: [String] = []
    private(set) var locationQuery: [String] = []
    private(set) var contentFormat: ContentFormat?
    private(set) var accept: ContentFormat?
    private(set) var observe: UInt32?
    private(set) var etags: [[UInt8]] = []
    private(set) var ifMatch: [[UInt8]] = []
    private(set) var ifNoneMatch = false
    private(set) var maxAge: UInt32?
    private(set) var block1: Block?
    private(set) var block2: Block?
    private(set) var size1: UInt32?
    private(set) var noResponse: UInt32 = 0
    private(set) var requestTag: [UInt8] = []
    /// First critical option that could not be understood; answer 4.02.
    private(set) var badOption: UInt16?
    /// A block option with the reserved size; answer 4.00 (RFC 7959, 2.2).
    private(set) var hasReservedBlockSize = false

    private var last: OptionNumber?

    /// Takes the next option. They come in ascending order of numbers.
    mutating func add(_ number: UInt16, _ value: some Collection<UInt8>) {
        guard let option = OptionNumber(rawValue: number) else { return refuse(number) }
        let isRepetition = last == option
        last = option
        guard option.lengths.contains(value.count), !isRepetition || option.isRepeatable else { return refuse(number) }
        switch option {
        case .uriPath: addText(value, to: \.path, number)
        case .uriQuery: addText(value, to: \.queries, number)
        case .locationPath: addText(value, to: \.locationPath, number)
        case .locationQuery: addText(value, to: \.locationQuery, number)
        case .contentFormat: contentFormat = ContentFormat(rawValue: UInt16(truncatingIfNeeded: uint(value)))
        case .accept: accept = ContentFormat(rawValue: UInt16(truncatingIfNeeded: uint(value)))
        case .observe: observe = uint(value)
        case .etag: etags.append(Array(value))
        case .ifMatch: ifMatch.append(Array(value))
        case .ifNoneMatch: ifNoneMatch = true
        case .maxAge: maxAge = uint(value)
        case .block1: block1 = block(value)
        case .block2: block2 = block(value)
        case .size1: size1 = uint(value)
        case .noResponse: noResponse = uint(value)
        case .requestTag: if requestTag.isEmpty { requestTag = Array(value) }
        // Who we are called is of no interest: there is one host here. The rest is libcoap's, or a hint.
        case .uriHost, .uriPort, .hopLimit, .size2, .echo: break
        case .proxyURI, .proxyScheme: refuse(number)
        }
    }

    /// RFC 7967, 2.1: bit n-1 set means "no answer of class n".
    func suppresses(_ code: CoAPCode) -> Bool {
        code.group > 0 && noResponse & (1 << UInt32(code.group - 1)) != 0
    }

    private mutating func refuse(_ number: UInt16) {
        if number & 1 == 1, badOption == nil { badOption = number }
    }

    private mutating func addText(
        _ value: some Collection<UInt8>, to texts: WritableKeyPath<Self, [String]>, _ number: UInt16
    ) {
        guard let text = String(validating: value, as: UTF8.self) else { return refuse(number) }
        self[keyPath: texts].append(text)
    }

    private mutating func block(_ value: some Collection<UInt8>) -> Block? {
        guard let block = Block(value: uint(value)) else {
            hasReservedBlockSize = true
            return nil
        }
        return block
    }

    /// At most four octets, as `OptionNumber.lengths` sees to.
    private func uint(_ value: some Collection<UInt8>) -> UInt32 { value.reduce(0) { $0 << 8 | UInt32($1) } }
}
