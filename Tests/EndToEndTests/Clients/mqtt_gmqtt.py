"""gmqtt talks to itself through the gateway, at each QoS.

    mqtt_gmqtt.py PORT LEVEL [TRANSPORT [CA]]      LEVEL: 4 for MQTT 3.1.1, 5 for 5.0; TRANSPORT: tcp or tls;
                                                   prints DONE and what arrived
"""
import asyncio
import ssl
import sys

import gmqtt


async def main(port, level, transport="tcp", authority=None):
    level = int(level)
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
    secure = ssl.create_default_context(cafile=authority) if authority else False
    await client.connect("127.0.0.1", int(port), version=level, ssl=secure)
    client.subscribe("gmqtt/#", qos=2)
    await subscribed.wait()
    for qos in range(3):
        added = {"user_property": ("qos", str(qos))} if level == 5 else {}
        client.publish(f"gmqtt/{qos}", f"m{qos}", qos=qos, **added)
    await finished.wait()
    try:
        await client.disconnect()
    except ssl.SSLError:
        pass  # asyncio's: acknowledgements were on the way to it when it closed
    print("DONE", *[f"{qos}:{arrived[qos]}" for qos in sorted(arrived)])


asyncio.run(main(*sys.argv[1:]))
