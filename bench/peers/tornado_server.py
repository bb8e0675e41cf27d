"""Tornado: an echo, and a loop over all that are open, as its documentation's chat does it."""

import asyncio

import server
import tornado
import tornado.httpserver
import tornado.netutil
import tornado.web
import tornado.websocket

DEFLATE = server.plan()["deflate"]
everyone = set()


class Base(tornado.websocket.WebSocketHandler):
    def get_compression_options(self):
        return {} if DEFLATE else None


class Echo(Base):
    def on_message(self, message):
        self.write_message(message)


class Broadcast(Base):
    def open(self):
        everyone.add(self)

    def on_close(self):
        everyone.discard(self)

    def on_message(self, message):
        for one in everyone:
            one.write_message(message)


async def main():
    application = tornado.web.Application([("/echo", Echo), ("/broadcast", Broadcast)], log_function=lambda _: None)
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
    tornado.httpserver.HTTPServer(application).add_sockets(sockets)
    server.stand(sockets[0].getsockname()[1], tornado.version)
    await asyncio.Event().wait()


asyncio.run(main())
