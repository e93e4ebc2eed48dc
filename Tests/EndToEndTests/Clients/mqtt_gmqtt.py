"""gmqtt talks to itself through the gateway, at each QoS.

    mqtt_gmqtt.py PORT LEVEL      LEVEL: 4 for MQTT 3.1.1, 5 for 5.0; prints DONE and what arrived
"""
import asyncio
import sys

import gmqtt


async def main(port, level):
    arrived = {}
    subscribed, finished = asyncio.Event(), asyncio.Event()

    def on_message(client, topic, payload, qos, properties):
        if level == 5:
            assert properties["user_property"] == [("qos", str(qos))]
        arrived[qos] = payload.decode()
        if len(arrived) == 3:
            finished.set()
        return 0

    client = gmqtt.Client("gmqtt")
    client.on_message = on_message
    client.on_subscribe = lambda *_: subscribed.set()
    await client.connect("127.0.0.1", port, version=level)
    client.subscribe("gmqtt/#", qos=2)
    await subscribed.wait()
    for qos in range(3):
        added = {"user_property": ("qos", str(qos))} if level == 5 else {}
        client.publish(f"gmqtt/{qos}", f"m{qos}", qos=qos, **added)
    await finished.wait()
    await client.disconnect()
    print("DONE", *[f"{qos}:{arrived[qos]}" for qos in sorted(arrived)])


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
