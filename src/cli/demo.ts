// The demo: echo, clock and chat on one server, with a page for each.
//
//   /socket/            answers `You said: <message>`, pings every second and prints the round trip
//   /websocket?Id=<id>  pushes the time every second; without Id the handshake gets 400
//   /chat               tells everyone who joined, who said what, and who left

import type { Pong } from '../handlers/handler.ts'
import {
  HandshakeError,
  type Page,
  page,
  route,
  type Server,
  serve,
  WebSocketHandler,
} from '../index.ts'
import { chatRoom } from '../streams/chat.ts'
import { clockFeed } from '../streams/clock.ts'

const PAGES = { '/': 'index', '/echo': 'echo', '/clock': 'clock', '/chat-room': 'chat' }
const ASSETS = [
  'windsock.css',
  'windsock.svg',
  'connection.js',
  'status.js',
  'log.js',
  'echo.js',
  'clock.js',
  'chat.js',
]

class Echo extends WebSocketHandler {
  override async onMessage(message: string | Uint8Array): Promise<void> {
    if (typeof message === 'string') await this.writeMessage(`You said: ${message}`)
  }

  override onPong(_data: Uint8Array, { roundTripMs }: Pong): void {
    if (roundTripMs === undefined) return
    console.log(`pong from ${this.request.remoteAddress} after ${roundTripMs.toFixed(1)} ms`)
  }
}

/** The routes of the demo, without its pages. */
export function demoRoutes() {
  return [
    route('/socket/', Echo, { pingIntervalMs: 1_000, pingTimeoutMs: 10_000 }),
    route('/websocket', clockFeed({ everyMs: 1_000 }), {
      prepare: ({ query }) => {
        if (!query.get('Id')) throw new HandshakeError(400, 'say who you are: /websocket?Id=<id>')
      },
    }),
    route('/chat', chatRoom()),
  ]
}

/** Serves the demo until SIGINT or SIGTERM; a second signal ends it at once. */
export async function demo({ host, port }: { host: string; port: number }): Promise<void> {
  const server = await serve({ host, port, routes: [...demoRoutes(), ...demoPages()] })
  console.log(`windsock demo on ${server.url}`)
  for (const path of Object.keys(PAGES)) console.log(`  ${server.url}${path}`)
  console.log('Ctrl-C ends it.')
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => stop(server, signal))
}

function demoPages(): Page[] {
  const file = (name: string) => new URL(`../../demo/${name}`, import.meta.url)
  return [
    ...Object.entries(PAGES).map(([path, name]) => page(path, file(`${name}.html`))),
    ...ASSETS.map((name) => page(`/assets/${name}`, file(name))),
  ]
}

let stopping = false

function stop(server: Server, signal: NodeJS.Signals): void {
  if (stopping) process.exit(1)
  stopping = true
  console.log(`${signal}: closing ${server.connections.size} connections`)
  void server.close().then(() => process.exit(0))
}
