"""Sends a message to itself with paho-mqtt and prints it: mqtt_client.py TRANSPORT VERSION PORT [OPTION=VALUE...]

TRANSPORT is tcp or websockets; VERSION is 3, 4 or 5. Options: ca, cert, key (files, which mean TLS), path, size, host.
Prints "MESSAGE qos length sum-of-octets", or "REFUSED reason".
"""

import sys
import threading

import paho.mqtt.client as mqtt

transport, version, port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
options = dict(argument.split("=", 1) for argument in sys.argv[4:])
payload = bytes(number % 251 for number in range(int(options.get("size", "256"))))
done = threading.Event()

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="paho", protocol=version, transport=transport)
if transport == "websockets":
    client.ws_set_options(path=options.get("path", "/mqtt"))
if "ca" in options:
    client.tls_set(ca_certs=options["ca"], certfile=options.get("cert"), keyfile=options.get("key"))


def connected(client, userdata, flags, reason, properties):
    if reason.is_failure:
        print("REFUSED", reason, flush=True)
        done.set()
    else:
        client.subscribe("paho/+", qos=2)


def subscribed(client, userdata, mid, reasons, properties):
    client.publish("paho/self", payload, qos=2)


def received(client, userdata, message):
    print("MESSAGE", message.qos, len(message.payload), sum(message.payload), flush=True)
    done.set()


client.on_connect = connected
client.on_subscribe = subscribed
client.on_message = received
client.connect(options.get("host", "127.0.0.1"), port)
client.loop_start()
done.wait(20)
client.disconnect()
client.loop_stop()
