import HTTPTypes
import Hummingbird

/// What can be asked for.
struct AdminPages: Sendable {
    let metricsType: String
    let metrics: @Sendable () -> String
    let health: @Sendable () -> Health

    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.get("metrics") { _, _ in answer(.ok, metricsType, metrics()) }
        router.get("health") { _, _ in
            let health = health()
            return answer(health.isGood ? .ok : .serviceUnavailable, "application/json", health.json)
        }
        return router
    }

    /// What is told is of this moment, so nobody is to keep it.
    private func answer(_ status: HTTPResponse.Status, _ type: String, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: type, .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}
