import CLibCoAP

/// libcoap's calls into Swift. Plain functions outside of any actor: the library calls them on the engine's thread.
enum CoAPCallbacks {
    /// Registers handlers for everything: unhandled methods would be answered by the library, DELETE even with success.
    static func install(in context: OpaquePointer) {
        coap_register_response_handler(context, receiveResponse)
        coap_register_nack_handler(context, receiveFailure)
        coap_register_event_handler(context, receiveEvent)
        // All paths come here; they are dispatched by the engine.
        add(coap_resource_unknown_init2(receiveRequest, 0), to: context)
        // Without a resource of its own this path is answered by the library.
        let path = Array(".well-known/core".utf8)
        let name = coap_new_str_const(path, path.count)
        add(coap_resource_init(name, COAP_RESOURCE_FLAGS_RELEASE_URI), to: context)
    }

    private static func add(_ resource: OpaquePointer?, to context: OpaquePointer) {
        let methods = [
            COAP_REQUEST_GET, COAP_REQUEST_POST, COAP_REQUEST_PUT, COAP_REQUEST_DELETE, COAP_REQUEST_FETCH,
            COAP_REQUEST_PATCH, COAP_REQUEST_IPATCH,
        ]
        for method in methods { coap_register_request_handler(resource, method, receiveRequest) }
        coap_add_resource(context, resource)
    }
}

/// The engine of a session's context; nil while it shuts down.
private func engine(of session: OpaquePointer?) -> CoAPEngine? {
    guard let session, let context = coap_session_get_context(session), let data = coap_get_app_data(context) else {
        return nil
    }
    return Unmanaged<CoAPEngine>.fromOpaque(data).takeUnretainedValue()
}

private func receiveRequest(
    _ resource: OpaquePointer?, _ session: OpaquePointer?, _ request: OpaquePointer?,
    _ query: UnsafePointer<coap_string_t>?, _ response: OpaquePointer?
) {
    guard let session, let request, let response else { return }
    engine(of: session)?.receiveRequest(request, session: session, response: response)
}

private func receiveResponse(
    _ session: OpaquePointer?, _ sent: OpaquePointer?, _ received: OpaquePointer?, _ messageID: coap_mid_t
) -> coap_response_t {
    guard let session, let received, let engine = engine(of: session) else { return COAP_RESPONSE_OK }
    return engine.receiveResponse(received, session: session) ? COAP_RESPONSE_OK : COAP_RESPONSE_FAIL
}

private func receiveFailure(
    _ session: OpaquePointer?, _ sent: OpaquePointer?, _ reason: coap_nack_reason_t, _ messageID: coap_mid_t
) {
    guard let session else { return }
    engine(of: session)?.messageFailed(
        UInt16(truncatingIfNeeded: messageID), session: session, wasReset: reason == COAP_NACK_RST)
}

private func receiveEvent(_ session: OpaquePointer?, _ event: coap_event_t) -> Int32 {
    guard event == COAP_EVENT_SERVER_SESSION_DEL, let session else { return 0 }
    engine(of: session)?.sessionEnded(session)
    return 0
}
