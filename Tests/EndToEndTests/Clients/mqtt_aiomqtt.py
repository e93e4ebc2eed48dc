"""aiomqtt talks to itself through the gateway, at each QoS.

    mqtt_aiomqtt.py PORT LEVEL [TRANSPORT [CA]]      LEVEL: 3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0; TRANSPORT: tcp,
                                                     tls, ws or wss; prints DONE and what arrived
"""
import asyncio
import sys

import aiomqtt


async def main(port, level, transport="tcp", authority=None):
    arrived = {}
    options = {"transport": "websockets", "websocket_path": "/mqtt"} if transport.startswith("ws") else {}
    if authority:
        options["tls_params"] = aiomqtt.TLSParameters(ca_certs=authority)
    version = aiomqtt.ProtocolVersion(int(level))
    async with aiomqtt.Client("127.0.0.1", int(port), identifier="aiomqtt", protocol=version, **options) as client:
        await client.subscribe("aiomqtt/#", qos=2)
        for qos in range(3):
            await client.publish(f"aiomqtt/{qos}", f"m{qos}", qos=qos)
        async for message in client.messages:
            arrived[message.qos] = message.payload.decode()
            if len(arrived) == 3:
                break
    print("DONE", *[f"{qos}:{arrived[qos]}" for qos in sorted(arrived)])


asyncio.run(main(*sys.argv[1:]))
