import Messaging

/// Sleepers outlive the process: a client wakes at the time it announced, whatever happened to the gateway meanwhile (MQTT-SN 6.14).
extension GatewayLoop {
    /// Goes on with the sleepers of the process before. To be called before the first datagram.
    func resumeSleepers() {
        for item in broker.takeKept(in: .mqttsnSleeper) {
            guard let kept = KeptSleeper(item.value, limits: limits), kept.draft == nil || settings.speaksDraft,
                resume(kept)
            else {
                broker.keep(nil, as: item.key, in: .mqttsnSleeper)
                continue
            }
            counters.sleepersResumed.add()
        }
    }

    /// - Returns: false when its session is over, or it does not sleep any more.
    private func resume(_ kept: KeptSleeper) -> Bool {
        let terms = kept.draft.map { DraftTerms($0, assignedClientID: nil, will: nil) }
        let device = begin(kept.connect, draft: terms, by: Route(peer: kept.peer, local: nil))
        let request = SleeperRequest(
            clientID: device.clientID, clientNumber: device.serial, listener: kept.peer.listener,
            proven: kept.peer.association?.principal(for: device.clientID),
            receiveMaximum: receiveMaximum, mailboxTerms: mailboxTerms,
            silence: device.machine.policy.tolerance.allowedSilence(seconds: kept.sleepDuration))
        guard let resumed = broker.resumeSleeper(request, owner: notes) else {
            forget(device, .disconnected)
            return false
        }
        adopt(device)
        device.sleepOn(resumed, seconds: kept.sleepDuration)
        return true
    }
}

extension Device {
    func sleepOn(_ resumed: ResumedSleeper, seconds: UInt16) {
        attachment = resumed.attachment
        machine.sleepOn(seconds: seconds, silentAt: resumed.silentAt)
        keptSleep = KeptSleeper(machine, at: route.peer).octets.digest
        loop.statusChanged(of: self)
        loop.scheduleTimer(of: self)
    }

    /// Keeps what a restart needs, when it has changed. It is stored no later than the deadline that the core is told next.
    func keepSleep() {
        guard !machine.endsSession else { return }
        let octets = KeptSleeper(machine, at: route.peer).octets
        guard keptSleep != octets.digest else { return }
        keptSleep = octets.digest
        loop.broker.keep(octets, as: clientID.string, in: .mqttsnSleeper)
    }

    func forgetSleep() {
        guard keptSleep != 0 else { return }
        keptSleep = 0
        loop.broker.keep(nil, as: clientID.string, in: .mqttsnSleeper)
    }
}

extension [UInt8] {
    /// Never 0.
    fileprivate var digest: UInt32 { UInt32(truncatingIfNeeded: hashValue) | 1 }
}
