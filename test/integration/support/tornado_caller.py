"""Tornado's own client against our Application; prints one JSON object of what it saw.

    tornado_caller.py <url> <cookie secret>
"""

import asyncio
import json
import sys
from http.cookies import SimpleCookie

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.web import create_signed_value, decode_signed_value
from tornado.websocket import websocket_connect

TEXTS = ["hello", "", "größer €𝄞\0", "x" * 70_000]
BYTES = [b"", b"\x00\xff\x80", bytes(300_000)]
CLOSES = [(1000, None), (1001, "away"), (3000, ""), (4321, "größer"), (4999, "r" * 123), (None, None)]


async def until_closed(client):
    while await client.read_message() is not None:
        pass
    return {"code": client.close_code, "reason": client.close_reason}


async def replies(client):
    texts, binary = [], []
    for text in TEXTS:
        await client.write_message(text)
        texts.append(await client.read_message())
    for data in BYTES:
        await client.write_message(data, binary=True)
        binary.append((await client.read_message()).hex())
    return {"texts": texts, "bytes": binary}


async def echo(url):
    client = await websocket_connect(url + "/echo")
    seen = await replies(client)
    client.close()
    return seen


async def order(url):
    client = await websocket_connect(url + "/echo")
    for number in range(1000):
        client.write_message(str(number))
    back = [await client.read_message() for _ in range(1000)]
    client.close()
    burst = await websocket_connect(url + "/burst")
    sent = [await burst.read_message() for _ in range(1000)]
    return {"back": back, "burst": sent, "closed": await until_closed(burst)}


async def subprotocols(url):
    chosen = []
    for offered in [["other", "chosen"], ["other"], None]:
        client = await websocket_connect(url + "/echo", subprotocols=offered)
        chosen.append(client.selected_subprotocol)
        client.close()
    return chosen


async def closing(url):
    seen = []
    for number, (code, reason) in enumerate(CLOSES):
        client = await websocket_connect(f"{url}/echo?case=close-{number}")
        client.close(code, reason)
        seen.append(await until_closed(client))
    return seen


async def closed(url):
    paths = ["1000/", "1001/away", "4001/gr%C3%B6%C3%9Fer", "/"]
    return [await until_closed(await websocket_connect(f"{url}/close/{path}")) for path in paths]


async def wrong_codes(url):
    seen = {}
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000]:
        client = await websocket_connect(f"{url}/echo?case=wrong-{code}")
        client.close(code)
        seen[code] = (await until_closed(client))["code"]
    return seen


async def pings(url):
    client = await websocket_connect(url + "/ping")
    loop = asyncio.get_running_loop()
    ponged = loop.create_future()
    client.on_pong = lambda data: ponged.done() or ponged.set_result(data.decode())
    heard = [await client.read_message()]
    client.ping("mine größer".encode())
    heard.append(await client.read_message())
    client.close()
    return {"heard": heard, "pong": await ponged}


async def compression(url):
    seen = {}
    for path in ["/echo", "/compressed"]:
        for mine in [None, {}]:
            client = await websocket_connect(url + path, compression_options=mine)
            agreed = "Sec-WebSocket-Extensions" in client.headers
            seen[f"{path} {'plain' if mine is None else 'deflate'}"] = {"agreed": agreed, **await replies(client)}
            client.close()
    return seen


async def limits(url):
    seen = {}
    for mine in [None, {}]:
        client = await websocket_connect(url + "/small", compression_options=mine)
        await client.write_message("x" * 1024)
        reply = await client.read_message()
        await client.write_message("x" * 1025)
        seen["plain" if mine is None else "deflate"] = {"taken": len(reply), **await until_closed(client)}
    return seen


async def headers(url):
    request = HTTPRequest(url + "/headers", headers={"X-Mine": "yes", "Authorization": "Bearer x"})
    client = await websocket_connect(request)
    seen = json.loads(await client.read_message())
    client.close()
    return {"told": seen, "served by": client.headers.get("X-Served-By")}


async def cookies(url):
    signed = create_signed_value(sys.argv[2], "theirs", "größer").decode()
    forged = signed[:-1] + ("0" if signed[-1] != "0" else "1")
    read = []
    for value in [signed, forged]:
        request = HTTPRequest(url + "/cookies", headers={"Cookie": "theirs=" + value})
        client = await websocket_connect(request)
        read.append(await client.read_message())
        jar = SimpleCookie()
        for line in client.headers.get_list("Set-Cookie"):
            jar.load(line)
        client.close()
    ours = decode_signed_value(sys.argv[2], "ours", jar["ours"].value)
    return {"read": read, "ours": ours.decode()}


async def refusals(url):
    seen = {}
    foreign = HTTPRequest(url + "/echo", headers={"Origin": "http://evil.test"})
    targets = {"404": url + "/nowhere", "401": url + "/private", "418": url + "/plain", "403": foreign}
    for name, target in targets.items():
        try:
            await websocket_connect(target)
        except HTTPClientError as error:
            seen[name] = [type(error).__name__, error.code]
    return seen


SCENARIOS = [
    echo, order, subprotocols, closing, closed, wrong_codes, pings, compression, limits, headers,
    cookies, refusals,
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
