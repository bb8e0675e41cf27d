"""The websockets library on asyncio: an echo, and its own broadcast()."""

import asyncio

import server
import websockets

everyone = set()


async def handle(connection, path):
    everyone.add(connection)
    try:
        async for message in connection:
            if path == "/broadcast":
                websockets.broadcast(everyone, message)
            else:
                await connection.send(message)
    finally:
        everyone.discard(connection)


async def main():
    compression = "deflate" if server.plan()["deflate"] else None
    async with websockets.serve(handle, "127.0.0.1", 0, compression=compression) as listening:
        server.stand(listening.sockets[0].getsockname()[1], websockets.__version__)
        await asyncio.Event().wait()


asyncio.run(main())
