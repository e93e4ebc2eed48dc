/// The devices registered now, by location and by endpoint name.
struct DeviceRegistry {
    private var byLocation: [String: Device] = [:]
    private var byEndpoint: [String: Device] = [:]
    /// Register requests the broker has not decided yet.
    private var undecided: [String: Int] = [:]

    var count: Int { byEndpoint.count }

    func device(at location: String) -> Device? { byLocation[location] }
    func device(of endpoint: String) -> Device? { byEndpoint[endpoint] }

    mutating func beginRegistering(_ endpoint: String) { undecided[endpoint, default: 0] += 1 }

    mutating func endRegistering(_ endpoint: String) {
        let count = undecided.removeValue(forKey: endpoint) ?? 0
        if count > 1 { undecided[endpoint] = count - 1 }
    }

    func isRegistering(_ endpoint: String) -> Bool { undecided[endpoint] != nil }

    /// - Returns: the earlier registration of the same endpoint, whose location is unknown from now on.
    mutating func insert(_ device: Device) -> Device? {
        let earlier = byEndpoint.updateValue(device, forKey: device.endpoint)
        if let earlier { byLocation[earlier.location] = nil }
        byLocation[device.location] = device
        return earlier
    }

    /// - Returns: whether it was there; a device that has been replaced is not.
    mutating func remove(_ device: Device) -> Bool {
        guard byLocation.removeValue(forKey: device.location) != nil else { return false }
        byEndpoint[device.endpoint] = nil
        return true
    }

    mutating func removeAll() -> [Device] {
        defer { (byLocation, byEndpoint) = ([:], [:]) }
        return Array(byEndpoint.values)
    }

    /// A location nobody can guess: who knows it may renew the registration from any address.
    static func newLocation() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(UInt64.random(in: .min ... .max, using: &generator), radix: 36)
    }
}
