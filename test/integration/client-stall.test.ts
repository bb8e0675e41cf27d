// A program that stands still: real sockets, with the server in a thread of its own that goes on meanwhile.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, it, onTestFinished } from 'vitest'
import { Client } from '../../src/client/client.ts'
import type { Environment } from '../../src/client/environment.ts'
import { nodeEnvironment } from '../../src/client/node-environment.ts'
import type { Message } from '../../src/protocol/message.ts'

/** Says nothing of itself, and counts in `answers` how often it has answered a ping. */
const SILENT_SERVER = `
const { parentPort, workerData } = require('node:worker_threads')
const { WebSocketServer } = require('ws')
const answers = new Int32Array(workerData)
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
server.on('listening', () => parentPort.postMessage(server.address().port))
server.on('connection', (socket) => {
  const limits = { frameBytes: 1024, subscriptions: 1, publishPerSecond: 1 }
  socket.send(JSON.stringify({ type: 'welcome', connection: 'c', heartbeatMs: 50, limits }))
  socket.on('message', (text) => {
    const { type, id } = JSON.parse(text)
    if (type !== 'ping') return
    socket.send(JSON.stringify({ type: 'pong', id }), () => {
      Atomics.add(answers, 0, 1)
      Atomics.notify(answers, 0)
    })
  })
})
`
const TIMEOUT_MS = 40

it('a client keeps a server whose answer came while its program stood still, however often', async () => {
  const answers = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(SILENT_SERVER, { eval: true, workerData: answers.buffer })
  onTestFinished(async () => void (await worker.terminate()))
  const [port] = await once(worker, 'message')
  let asked = 0
  const environment: Environment = {
    ...nodeEnvironment,
    openSocket(...socketArgs) {
      const socket = nodeEnvironment.openSocket(...socketArgs)
      const send = (message: Message) => {
        asked++
        socket.send(message)
      }
      return Object.create(socket, { send: { value: send } })
    },
  }
  const options = { transports: ['websocket'], heartbeatTimeoutMs: TIMEOUT_MS } as const
  const client = new Client(`http://127.0.0.1:${port}/topics`, options, environment)
  onTestFinished(() => void client.close())
  for (let stalls = 0; stalls < 5; ) {
    await new Promise((resolve) => setImmediate(resolve))
    if (client.state.lastClose !== null) break
    if (asked === stalls) continue
    // It stands still from its question until the answer is there, and beyond the time for that.
    Atomics.wait(answers, 0, stalls, 10_000)
    stalls++
    Atomics.wait(answers, 0, stalls, TIMEOUT_MS)
  }
  await new Promise((resolve) => setImmediate(resolve))
  expect(client.state).toMatchObject({ state: 'open', lastClose: null })
})
