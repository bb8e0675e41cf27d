"""Tornado's own client against the demo; prints one JSON object of what it saw.

    tornado_client.py all <url>    every scenario, one after the other
    tornado_client.py hold <url>   connects to each program, prints a line, and waits for the server to close
"""

import asyncio
import json
import sys

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

MIB = 1024 * 1024


async def status(target):
    """The HTTP status with which a handshake is refused; 101 when it is not."""
    try:
        (await websocket_connect(target)).close()
        return 101
    except HTTPClientError as error:
        return error.code


async def until_closed(client):
    while await client.read_message() is not None:
        pass
    return {"code": client.close_code, "reason": client.close_reason}


async def echo(url):
    client = await websocket_connect(url + "/socket/", max_message_size=20 * MIB)
    replies = []
    for message in ["hello", "größer €𝄞", "", "x" * 70000]:
        await client.write_message(message)
        replies.append(await client.read_message())
    await client.write_message("x" * (10 * MIB))
    replies.append(len(await client.read_message()))
    client.close()
    return replies


async def pings(url):
    client = await websocket_connect(url + "/socket/")
    loop = asyncio.get_running_loop()
    pinged = loop.create_future()
    answer = client.on_ping

    def on_ping(data):
        answer(data)
        if not pinged.done():
            pinged.set_result(data.decode())

    client.on_ping = on_ping
    payload = await pinged
    await client.write_message("still here")
    reply = await client.read_message()
    client.close()
    return {"payload": payload, "reply": reply}


async def close_by_client(url):
    client = await websocket_connect(url + "/socket/")
    client.close(4321, "goodbye, größer")
    return await until_closed(client)


async def clock(url):
    client = await websocket_connect(url + "/websocket?Id=x")
    ticks = [await client.read_message() for _ in range(2)]
    client.close()
    return ticks


async def clock_shared(url):
    clients = [await websocket_connect(url + "/websocket?Id=same") for _ in range(2)]
    ticks = [await client.read_message() for client in clients]
    for client in clients:
        client.close()
    return ticks


async def chat(url):
    first = await websocket_connect(url + "/chat")
    heard_first = [await first.read_message()]
    second = await websocket_connect(url + "/chat")
    heard_second = [await second.read_message()]
    # Both at once: whatever the order is, it has to be one for both.
    await asyncio.gather(first.write_message("from first"), second.write_message("from second"))
    heard_first += [await first.read_message() for _ in range(3)]
    heard_second += [await second.read_message() for _ in range(2)]
    second.close()
    heard_first.append(await first.read_message())
    first.close()
    return {"first": heard_first, "second": heard_second}


async def too_big(url):
    client = await websocket_connect(url + "/socket/")
    sending = client.write_message("x" * (10 * MIB + 1))
    closed = await until_closed(client)
    # The server may have closed before it had everything: then the sending failed, as it should.
    await asyncio.gather(sending, return_exceptions=True)
    return closed


async def refusals(url):
    foreign = HTTPRequest(url + "/chat", headers={"Origin": "http://evil.test"})
    own = HTTPRequest(url + "/chat", headers={"Origin": url.replace("ws:", "http:")})
    return {
        "no id": await status(url + "/websocket"),
        "empty id": await status(url + "/websocket?Id="),
        "foreign origin": await status(foreign),
        "own origin": await status(own),
        "unknown path": await status(url + "/nowhere"),
    }


SCENARIOS = [echo, pings, close_by_client, clock, clock_shared, chat, too_big, refusals]


async def everything(url):
    seen = {}
    for scenario in SCENARIOS:
        try:
            seen[scenario.__name__] = await asyncio.wait_for(scenario(url), 20)
        except Exception as error:  # the test shows it
            seen[scenario.__name__] = repr(error)
    print(json.dumps(seen))


async def hold(url):
    paths = ["/socket/", "/websocket?Id=x", "/chat"]
    clients = [await websocket_connect(url + path) for path in paths]
    print("connected", flush=True)
    print(json.dumps([await until_closed(client) for client in clients]))


mode, address = sys.argv[1:]
asyncio.run({"all": everything, "hold": hold}[mode](address.replace("http:", "ws:")))
