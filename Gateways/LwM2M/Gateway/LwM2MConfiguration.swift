/// What an operator can set.
package struct LwM2MConfiguration: Equatable, Sendable {
    package var lifetimes = LifetimePolicy()
    /// How long a device in queue mode listens after its last message. LwM2M Core 1.1 6.5: by default CoAP's
    /// MAX_TRANSMIT_WAIT.
    package var awakeTime = Duration.seconds(93)
    /// How long one request to a device may take, retransmissions and blocks included. Some clients acknowledge what they
    /// do not understand and never answer it.
    package var requestTimeout = Duration.seconds(45)
    /// Devices registered at once. Beyond: 5.03.
    package var registrations = 50_000
    /// Observations of one device. Beyond: the command is refused with a report.
    package var observationsPerDevice = 64
    /// Value topics of one device. Values beyond appear in reports only.
    package var valuesPerDevice = 4_096
    /// Read a resource back after it was written, so that its topic holds what the device made of it. Otherwise the written
    /// value is taken on trust, which saves the device an exchange.
    package var readsBackWrites = true
    /// Read the Device object once after Register. Nothing else is ever read or observed unasked: a device's battery is
    /// not ours to spend.
    package var readsDeviceObject = false
    package var limits = Limits()

    package init() {}

    var machine: DeviceMachine.Settings {
        DeviceMachine.Settings(
            awakeTime: awakeTime, observations: observationsPerDevice, values: valuesPerDevice,
            readsBackWrites: readsBackWrites, readsDeviceObject: readsDeviceObject, limits: limits)
    }
}
