/// A response as it goes into one message: blocks cut, options in ascending order of their numbers (RFC 7252, 3.1).
struct WireResponse: Equatable, Sendable {
    let code: CoAPCode
    private(set) var options: [WireOption] = []
    let payload: ArraySlice<UInt8>

    /// What it costs to remember.
    var octets: Int { options.reduce(payload.count + 64) { $0 + $1.value.count + 48 } }

    /// What a response carries beside its own values.
    struct Extras: Equatable {
        var observe: UInt32?
        var block1: Block?
        var block2: Block?
        /// Length of the whole body, with its first block.
        var size2: Int?
        /// Longest body accepted, with 4.13.
        var size1: Int?
    }

    init(_ response: CoAPResponse, payload: ArraySlice<UInt8>? = nil, extras: Extras = Extras()) {
        code = response.code
        self.payload = payload ?? response.payload[...]
        if let etag = response.etag { options.append(WireOption(.etag, etag)) }
        if let observe = extras.observe { options.append(WireOption(.observe, uint: observe)) }
        for segment in response.locationPath { options.append(WireOption(.locationPath, Array(segment.utf8))) }
        if let format = response.contentFormat { options.append(WireOption(.contentFormat, uint: UInt32(format.rawValue))) }
        if let maxAge = response.maxAge { options.append(WireOption(.maxAge, uint: maxAge)) }
        for query in response.locationQuery { options.append(WireOption(.locationQuery, Array(query.utf8))) }
        if let block2 = extras.block2 { options.append(WireOption(.block2, uint: block2.value)) }
        if let block1 = extras.block1 { options.append(WireOption(.block1, uint: block1.value)) }
        if let size2 = extras.size2 { options.append(WireOption(.size2, uint: UInt32(clamping: size2))) }
        if let size1 = extras.size1 { options.append(WireOption(.size1, uint: UInt32(clamping: size1))) }
    }
}

/// One option of a message, as number and octets.
struct WireOption: Equatable, Sendable {
    let number: OptionNumber
    let value: [UInt8]

    init(_ number: OptionNumber, _ value: [UInt8]) {
        self.number = number
        self.value = value
    }

    /// An unsigned integer in as few octets as it takes, none for zero (RFC 7252, 3.2).
    init(_ number: OptionNumber, uint: UInt32) {
        let octets = withUnsafeBytes(of: uint.bigEndian) { Array($0.drop(while: { $0 == 0 })) }
        self.init(number, octets)
    }
}
