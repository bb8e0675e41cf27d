// Bare `ws`, the way its own documentation writes an echo and a broadcast: the measure of everything else.
//
// Every option is left at its default, but for compression where that is what is measured. The broadcast goes to all
// open clients, the publisher among them. One process, one port, the path tells what a connection does.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import type { Listen } from './main.ts'
import { versionOf } from './version.ts'

export const listen: Listen = async ({ deflate }) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: deflate })
  server.on('connection', (socket, request) => {
    socket.on('error', console.error)
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
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, version: versionOf('ws') }
}
