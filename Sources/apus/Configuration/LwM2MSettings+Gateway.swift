import LwM2M
import Settings

extension LwM2MSettings {
    var configuration: LwM2MConfiguration {
        var configuration = LwM2MConfiguration()
        configuration.registrations = registrations.value
        configuration.awakeTime = awakeTime
        configuration.requestTimeout = requestTimeout
        configuration.readsBackWrites = readsBackWrites
        configuration.readsDeviceObject = readsDeviceObject
        return configuration
    }
}
