import CLibCoAP
import Messaging

/// What the tap saw, and what libcoap says about messages of ours.
extension CoAPEngine {
    /// Before libcoap reads: count, mark what it will only see a part of, and hear who acknowledges and who resets.
    /// What follows from it is sent after libcoap has read the same.
    func readNotesBefore() {
        statistics.datagrams.add(UInt64(tap.notes.count))
        for note in tap.notes {
            guard let header = note.header else {
                statistics.malformed.add()
                continue
            }
            let key = MessageKey(endpoint: note.endpoint, messageID: header.messageID)
            if note.isCutOff { cutOff.insert(key) }
            switch header.kind {
            // Also with a code and token: an answer acknowledges, and some clients put them where they do not belong.
            case .acknowledgement: acknowledged(key)
            case .reset: reset(key)
            case .confirmable, .nonConfirmable: break
            }
        }
    }

    /// After libcoap has read: what it dropped as a repetition.
    func readNotesAfter() {
        guard !answering.isEmpty else { return }
        for note in tap.notes {
            guard let header = note.header, header.kind == .confirmable, header.code.isResponse else { continue }
            repeatAcknowledgement(header.messageID, from: note.endpoint)
        }
    }

    /// libcoap gave a confirmable message up, or the peer reset it.
    func messageFailed(_ messageID: UInt16, session: OpaquePointer, wasReset: Bool) {
        guard let peer = peer(of: session),
            let message = outgoing.removeValue(forKey: MessageKey(endpoint: peer.endpoint, messageID: messageID))
        else { return }
        switch message {
        case .answer: peer.unacknowledgedAnswers -= 1
        case .request: requestFailed(messageID, peer: peer, wasReset ? .reset : .timeout)
        case .notification(let observer): remove(observer, wasReset ? .reset : .timeout, at: peer)
        }
    }

    private func acknowledged(_ key: MessageKey) {
        guard let message = outgoing.removeValue(forKey: key) else { return }
        switch message {
        case .answer(let peer): peers[peer]?.unacknowledgedAnswers -= 1
        case .request: break  // the answer is still to come
        case .notification(let observer): acknowledged(observer)
        }
    }

    /// RST to a non-confirmable notification (RFC 7641, 3.6). RST to a confirmable one is reported by libcoap.
    private func reset(_ key: MessageKey) {
        guard let observer = nonConfirmable[key], let peer = peers[observer.peer.id] else { return }
        remove(observer, .reset, at: peer)
    }

    /// A device that repeats a confirmable answer has not got our acknowledgement, and would go on until it gives up.
    /// libcoap drops the repetition silently (RFC 7252, 4.2 asks for another acknowledgement).
    private func repeatAcknowledgement(_ messageID: UInt16, from endpoint: EndpointKey) {
        guard let peer = answering[endpoint].flatMap({ peers[$0] }), peer.acknowledged.isRepetition(messageID) else { return }
        statistics.repeatedAcknowledgements.add()
        MessageWriter.acknowledge(messageID, session: peer.session)
    }
}
