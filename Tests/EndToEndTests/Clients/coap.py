"""A CoAP client on aiocoap for the end-to-end tests: one request, or an observation.

    coap.py put URI HEX      prints the code of the answer
    coap.py get URI          prints code and payload in hex
    coap.py observe URI      prints READY and the first answer, then NOTIFY and the payload of each notification
"""
import asyncio
import sys

import aiocoap


def show(word, message):
    print(word, message.code.dotted, message.payload.hex(), flush=True)


async def main(method, uri, payload=""):
    context = await aiocoap.Context.create_client_context()
    if method == "observe":
        request = context.request(aiocoap.Message(code=aiocoap.GET, uri=uri, observe=0))
        show("READY", await request.response)
        async for notification in request.observation:
            show("NOTIFY", notification)
    else:
        code = {"put": aiocoap.PUT, "post": aiocoap.POST, "get": aiocoap.GET, "delete": aiocoap.DELETE}[method]
        message = aiocoap.Message(code=code, uri=uri, payload=bytes.fromhex(payload))
        show("ANSWER", await context.request(message).response)
    await context.shutdown()


asyncio.run(main(*sys.argv[1:]))
