"""A server of the `websockets` package, for our client to talk to.

    websockets_server.py deflate|plain

Prints "listening on <port>", then one JSON object a line for what its handler saw.
"""

import asyncio
import json
import sys

import websockets


def tell(**seen):
    print(json.dumps(seen), flush=True)


async def serve(ws, path):
    if path == "/fragments":
        await ws.send(["one ", "two ", "", "three"])
        await ws.send([b"\x00", b"\x01\x02", b"\xff"])
    elif path.startswith("/close/"):
        _, _, code, reason = path.split("/")
        await ws.close(int(code), reason)
    elif path == "/ping":
        await (await ws.ping("mine"))
        tell(pong="mine")
    elif path == "/burst":
        for number in range(1000):
            await ws.send(str(number))
    try:
        async for message in ws:
            await ws.send(message)
    except websockets.ConnectionClosed:
        pass
    tell(code=ws.close_code, reason=ws.close_reason)


async def main(mode):
    server = await websockets.serve(
        serve,
        "127.0.0.1",
        0,
        subprotocols=["second", "first"],
        max_size=2**20,
        compression="deflate" if mode == "deflate" else None,
        ping_interval=None,
    )
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main(sys.argv[1]))
