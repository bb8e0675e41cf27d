"""A server of Tornado's own, for our client to talk to.

Prints "listening on <port>", then one JSON object a line for what its handlers saw.
"""

import asyncio
import json
import socket
import sys

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler


def tell(**seen):
    print(json.dumps(seen), flush=True)


class Echo(WebSocketHandler):
    def select_subprotocol(self, subprotocols):
        tell(offered=subprotocols)
        return "chosen" if "chosen" in subprotocols else None

    async def on_message(self, message):
        await self.write_message(message, binary=isinstance(message, bytes))

    def on_pong(self, data):
        tell(pong=data.decode())

    def on_close(self):
        tell(code=self.close_code, reason=self.close_reason)


class Compressed(Echo):
    def get_compression_options(self):
        return {}


class Small(Echo):
    @property
    def max_message_size(self):
        return 1024


class Headers(Echo):
    def set_default_headers(self):
        self.set_header("X-Served-By", "Tornado")
        self.set_cookie("name", "value")

    async def open(self):
        tell(authorization=self.request.headers.get("Authorization"))
        await self.write_message({"x": self.request.headers.get("X-Mine")})


class Close(Echo):
    """Closes with the code and the reason in the path."""

    def open(self, code, reason):
        self.close(int(code) if code else None, reason or None)


class Ping(Echo):
    def open(self):
        self.ping(b"from Tornado")


class Burst(Echo):
    async def open(self):
        for number in range(1000):
            await self.write_message(str(number))
        self.close(1000, "that was all")


class Status(RequestHandler):
    def get(self, status):
        self.set_status(int(status))
        self.finish("no WebSocket here")


class Redirect(RequestHandler):
    def get(self):
        self.redirect("/echo")


async def main():
    app = Application(
        [
            ("/echo", Echo),
            ("/compressed", Compressed),
            ("/small", Small),
            ("/headers", Headers),
            ("/close/([0-9]*)/(.*)", Close),
            ("/ping", Ping),
            ("/burst", Burst),
            ("/status/([0-9]+)", Status),
            ("/redirect", Redirect),
        ],
        **json.loads(sys.argv[1] if len(sys.argv) > 1 else "{}"),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    HTTPServer(app).add_sockets([listener])
    print(f"listening on {listener.getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
