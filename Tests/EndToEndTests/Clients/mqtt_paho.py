"""paho-mqtt talks to itself through the gateway, at each QoS.

    mqtt_paho.py PORT LEVEL [TRANSPORT [CA]]      LEVEL: 3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0; TRANSPORT: tcp, tls,
                                                  ws or wss; prints DONE and what arrived
"""
import sys

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, level = int(sys.argv[1]), int(sys.argv[2])
transport = "websockets" if "".join(sys.argv[3:4]).startswith("ws") else "tcp"
arrived = {}


def on_connect(client, userdata, flags, reason, properties):
    client.subscribe("paho/#", qos=2)


def on_subscribe(client, userdata, mid, reasons, properties):
    for qos in range(3):
        added = None
        if level == 5:
            added = Properties(PacketTypes.PUBLISH)
            added.UserProperty = [("qos", str(qos))]
        client.publish(f"paho/{qos}", f"m{qos}", qos=qos, properties=added)


def on_message(client, userdata, message):
    if level == 5:
        assert message.properties.UserProperty == [("qos", str(message.qos))]
    arrived[message.qos] = message.payload.decode()
    if len(arrived) == 3:
        client.disconnect()


client = Client(
    CallbackAPIVersion.VERSION2, client_id="paho", protocol=MQTTProtocolVersion(level), transport=transport)
if len(sys.argv) > 4:
    client.tls_set(ca_certs=sys.argv[4])
client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
client.connect("127.0.0.1", port)
client.loop_forever()
print("DONE", *[f"{qos}:{arrived[qos]}" for qos in sorted(arrived)])
