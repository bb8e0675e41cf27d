// Node's bare `net`: bytes come back as they are, no WebSocket at all. The ceiling of everything that stands on it.

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { Listen } from './main.ts'

export const listen: Listen = async () => {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', console.error)
    socket.on('data', (bytes) => socket.write(bytes))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, version: process.version }
}
