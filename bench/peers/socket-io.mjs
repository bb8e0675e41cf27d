// Socket.IO, an event with one text: back to its sender, or to everyone. WebSocket only, as its clients end up with.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { Server } from 'socket.io'

const { version } = createRequire(import.meta.url)('socket.io/package.json')

export async function listen() {
  const http = createServer()
  // A heartbeat every 25 s is its default, too rare to be measured; the load does not speak it.
  const settings = { transports: ['websocket'], pingInterval: 600_000 }
  new Server(http, settings).on('connection', (socket) => {
    socket.on('message', (text) => socket.emit('message', text))
  })
  new Server(http, { ...settings, path: '/broadcast' }).on('connection', (socket) => {
    socket.on('message', (text) => socket.nsp.emit('message', text))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return { port: http.address().port, version }
}
