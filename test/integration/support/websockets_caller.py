"""The client of the `websockets` package against our Application; prints one JSON object of what it saw.

    websockets_caller.py <url>
"""

import asyncio
import json
import struct
import sys

import websockets
from websockets.frames import OP_CLOSE

TEXTS = ["hello", "", "größer €𝄞\0", "x" * 70_000]
BYTES = [b"", b"\x00\xff\x80", bytes(300_000)]
CLOSES = [(1000, ""), (1001, "away"), (3000, ""), (4321, "größer"), (4999, "r" * 123)]


def connect(target, compression=None, **options):
    return websockets.connect(target, compression=compression, ping_interval=None, **options)


async def until_closed(ws):
    try:
        async for _ in ws:
            pass
    except websockets.ConnectionClosedError:
        pass
    return {"code": ws.close_code, "reason": ws.close_reason or None}


async def replies(ws):
    texts, binary = [], []
    for text in TEXTS:
        await ws.send(text)
        texts.append(await ws.recv())
    for data in BYTES:
        await ws.send(data)
        binary.append((await ws.recv()).hex())
    return {"texts": texts, "bytes": binary}


async def echo(url):
    async with connect(url + "/echo") as ws:
        return await replies(ws)


async def fragments(url):
    seen = {}
    for compression in [None, "deflate"]:
        async with connect(url + "/compressed", compression) as ws:
            await ws.send(["one ", "two €", "", "three"])
            text = await ws.recv()
            await ws.send([b"\x00", b"", b"\x01\x02", b"\xff" * 70_000])
            seen[compression or "plain"] = [text, (await ws.recv()).hex()]
    return seen


async def order(url):
    async with connect(url + "/echo") as ws:
        back = []

        async def read():
            while len(back) < 1000:
                back.append(await ws.recv())

        reading = asyncio.ensure_future(read())
        for number in range(1000):
            await ws.send(str(number))
        await reading
    async with connect(url + "/burst") as burst:
        sent = [await burst.recv() for _ in range(1000)]
        return {"back": back, "burst": sent, "closed": await until_closed(burst)}


async def subprotocols(url):
    chosen = []
    for offered in [["other", "chosen"], ["other"], None]:
        async with connect(url + "/echo", subprotocols=offered) as ws:
            chosen.append(ws.subprotocol)
    return chosen


async def closing(url):
    seen = []
    for number, (code, reason) in enumerate(CLOSES):
        async with connect(f"{url}/echo?case=close-{number}") as ws:
            await ws.close(code, reason)
            seen.append(await until_closed(ws))
    return seen


async def closed(url):
    seen = []
    for path in ["1000/", "1001/away", "4001/gr%C3%B6%C3%9Fer", "/"]:
        async with connect(f"{url}/close/{path}") as ws:
            seen.append(await until_closed(ws))
    return seen


async def wrong_codes(url):
    seen = {}
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000]:
        async with connect(f"{url}/echo?case=wrong-{code}") as ws:
            # What its own close() refuses to send.
            await ws.write_frame(True, OP_CLOSE, struct.pack("!H", code))
            seen[code] = (await until_closed(ws))["code"]
    return seen


async def pings(url):
    async with connect(url + "/ping") as ws:
        heard = [await ws.recv()]
        pong = await ws.ping("mine größer")
        heard.append(await ws.recv())
        await pong
        return {"heard": heard, "pong": "mine größer"}


async def compression(url):
    seen = {}
    for path in ["/echo", "/compressed"]:
        for mine in [None, "deflate"]:
            async with connect(url + path, mine) as ws:
                agreed = "Sec-WebSocket-Extensions" in ws.response_headers
                seen[f"{path} {mine or 'plain'}"] = {"agreed": agreed, **await replies(ws)}
    return seen


async def limits(url):
    seen = {}
    for mine in [None, "deflate"]:
        async with connect(url + "/small", mine) as ws:
            await ws.send("x" * 1024)
            reply = await ws.recv()
            await ws.send("x" * 1025)
            seen[mine or "plain"] = {"taken": len(reply), **await until_closed(ws)}
    return seen


async def own_limit(url):
    async with connect(url + "/echo?case=own-limit", max_size=1024) as ws:
        await ws.send("x" * 1024)
        reply = await ws.recv()
        await ws.send("x" * 1025)
        return {"taken": len(reply), **await until_closed(ws)}


async def headers(url):
    mine = {"X-Mine": "yes", "Authorization": "Bearer x"}
    async with connect(url + "/headers", extra_headers=mine) as ws:
        told = json.loads(await ws.recv())
        return {"told": told, "served by": ws.response_headers.get("X-Served-By")}


async def refusals(url):
    seen = {}
    for name, path, origin in [
        ("404", "/nowhere", None),
        ("401", "/private", None),
        ("418", "/plain", None),
        ("403", "/echo", "http://evil.test"),
    ]:
        try:
            await connect(url + path, origin=origin)
        except websockets.InvalidStatusCode as error:
            seen[name] = [type(error).__name__, error.status_code]
    return seen


SCENARIOS = [
    echo, fragments, order, subprotocols, closing, closed, wrong_codes, pings, compression, limits,
    own_limit, headers, refusals,
]


async def main():
    seen = {}
    for scenario in SCENARIOS:
        try:
            seen[scenario.__name__] = await asyncio.wait_for(scenario(sys.argv[1]), 20)
        except Exception as error:  # the test shows it
            seen[scenario.__name__] = repr(error)
    print(json.dumps(seen))


asyncio.run(main())
