"""Connects with compression, prints every message until the server closes, and how it closed.

    listener.py tornado|websockets <url>
"""

import asyncio
import json
import sys


def printable(message):
    return message if isinstance(message, str) else message.hex()


async def by_tornado(url):
    from tornado.websocket import websocket_connect

    client = await websocket_connect(url, compression_options={}, max_message_size=2**24)
    heard = []
    while (message := await client.read_message()) is not None:
        heard.append(printable(message))
    return "Sec-WebSocket-Extensions" in client.headers, heard, client.close_code


async def by_websockets(url):
    import websockets

    async with websockets.connect(url, max_size=2**24) as client:
        heard = [printable(message) async for message in client]
        return "Sec-WebSocket-Extensions" in client.response_headers, heard, client.close_code


agreed, heard, code = asyncio.run({"tornado": by_tornado, "websockets": by_websockets}[sys.argv[1]](sys.argv[2]))
print(json.dumps({"agreed": agreed, "heard": heard, "code": code}))
