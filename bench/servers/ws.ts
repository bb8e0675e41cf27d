// Bare `ws`, the way its own documentation writes an echo and a broadcast: the measure of
// everything else.
//
// Every option is left at its default (no compression, so none is negotiated with anyone). The
// broadcast goes to all open clients, the publisher among them. One process, one port, the path
// tells what a connection does.

import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { standAt } from './stand.ts'

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })

server.on('connection', (socket, request) => {
  socket.on('error', (error) => {
    console.error(error)
  })
  if (request.url === '/broadcast') {
    socket.on('message', (data, isBinary) => {
      for (const client of server.clients) {
        if (client.readyState === WebSocket.OPEN) client.send(data, { binary: isBinary })
      }
    })
  } else {
    socket.on('message', (data, isBinary) => {
      socket.send(data, { binary: isBinary })
    })
  }
})

server.on('listening', () => {
  standAt((server.address() as AddressInfo).port)
})
