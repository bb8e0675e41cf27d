// Bun's own server, run by Bun: an echo, and a topic of its publish and subscribe.

export async function listen({ deflate }) {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request, own) {
      const { pathname } = new URL(request.url)
      if (own.upgrade(request, { data: { broadcasts: pathname === '/broadcast' } })) return
      return new Response('a WebSocket is expected', { status: 400 })
    },
    websocket: {
      perMessageDeflate: deflate,
      open(socket) {
        if (socket.data.broadcasts) socket.subscribe('feed')
      },
      message(socket, message) {
        if (socket.data.broadcasts) server.publish('feed', message, deflate)
        else socket.send(message)
      },
    },
  })
  return { port: server.port, version: Bun.version }
}
