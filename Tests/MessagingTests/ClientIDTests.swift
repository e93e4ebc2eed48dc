import Messaging
import Testing

@Suite struct ClientIDTests {
    @Test func idsOfGatewaysDevicesAreReserved() {
        #expect(ClientID(.lwm2m, "ep1").isReserved)
        #expect(ClientID("coap:127.0.0.1:5000").isReserved)
        #expect(!ClientID("coap").isReserved)
        #expect(!ClientID("sensor").isReserved)
        #expect(ClientID(.coap, "x") == ClientID("coap:x"))
    }
}
