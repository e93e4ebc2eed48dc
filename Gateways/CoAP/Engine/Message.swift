import CLibCoAP

/// A message libcoap has received: read once, into values.
struct ReceivedMessage {
    enum Kind {
        case confirmable
        case nonConfirmable
        case acknowledgement
        case reset
    }

    let kind: Kind
    let code: CoAPCode
    let messageID: UInt16
    let token: CoAPToken
    let options: ReceivedOptions
    let payload: [UInt8]

    /// Nil for a token libcoap should have refused.
    init?(_ pdu: OpaquePointer) {
        let octets = coap_pdu_get_token(pdu)
        guard let token = CoAPToken(UnsafeBufferPointer(start: octets.s, count: octets.length)) else { return nil }
        self.token = token
        kind = Self.kind(of: pdu)
        code = CoAPCode(rawValue: UInt8(truncatingIfNeeded: coap_pdu_get_code(pdu).rawValue))
        messageID = UInt16(truncatingIfNeeded: coap_pdu_get_mid(pdu))
        options = Self.options(of: pdu)
        payload = Self.payload(of: pdu)
    }

    static func kind(of pdu: OpaquePointer) -> Kind {
        switch coap_pdu_get_type(pdu) {
        case COAP_MESSAGE_CON: .confirmable
        case COAP_MESSAGE_NON: .nonConfirmable
        case COAP_MESSAGE_ACK: .acknowledgement
        default: .reset
        }
    }

    private static func options(of pdu: OpaquePointer) -> ReceivedOptions {
        var options = ReceivedOptions()
        var iterator = coap_opt_iterator_t()
        guard coap_option_iterator_init(pdu, &iterator, nil) != nil else { return options }
        while let option = coap_option_next(&iterator) {
            options.add(
                iterator.number,
                UnsafeBufferPointer(start: coap_opt_value(option), count: Int(coap_opt_length(option))))
        }
        return options
    }

    private static func payload(of pdu: OpaquePointer) -> [UInt8] {
        var count = 0
        var octets: UnsafePointer<UInt8>?
        guard coap_get_data(pdu, &count, &octets) == 1, let octets else { return [] }
        return Array(UnsafeBufferPointer(start: octets, count: count))
    }
}

/// Fills messages for libcoap.
enum MessageWriter {
    /// Writes a response into a message that has its token already.
    /// - Returns: false when it does not fit into the message.
    static func write(_ response: WireResponse, into pdu: OpaquePointer) -> Bool {
        coap_pdu_set_code(pdu, coap_pdu_code_t(rawValue: UInt32(response.code.rawValue)))
        return write(response.options, response.payload, into: pdu)
    }

    /// A message with a new message id. Nil when memory or room is short.
    static func make(
        _ kind: coap_pdu_type_t, code: UInt8, token: CoAPToken, options: [WireOption], payload: ArraySlice<UInt8>,
        session: OpaquePointer
    ) -> OpaquePointer? {
        let pdu = coap_pdu_init(
            kind, coap_pdu_code_t(rawValue: UInt32(code)), coap_mid_t(coap_new_message_id(session)),
            coap_session_max_pdu_size(session))
        guard let pdu else { return nil }
        let octets = token.octets
        guard coap_add_token(pdu, octets.count, octets) == 1, write(options, payload, into: pdu) else {
            coap_delete_pdu(pdu)
            return nil
        }
        return pdu
    }

    /// Sends an acknowledgement of a message libcoap considers dealt with.
    static func acknowledge(_ messageID: UInt16, session: OpaquePointer) {
        guard let pdu = coap_pdu_init(COAP_MESSAGE_ACK, COAP_EMPTY_CODE, coap_mid_t(messageID), 0) else { return }
        _ = coap_send(session, pdu)
    }

    private static func write(_ options: [WireOption], _ payload: ArraySlice<UInt8>, into pdu: OpaquePointer) -> Bool {
        for option in options {
            guard coap_add_option(pdu, option.number.rawValue, option.value.count, option.value) > 0 else { return false }
        }
        guard !payload.isEmpty else { return true }
        return payload.withUnsafeBufferPointer { coap_add_data(pdu, $0.count, $0.baseAddress) == 1 }
    }
}
