// The demo: echo, clock and chat on one server, with a page for each.
//
//   /socket/            answers `You said: <message>`, pings every second and prints the round trip
//   /websocket?Id=<id>  pushes the time every second; without Id the handshake gets 400
//   /chat               tells everyone who joined, who said what, and who left, in plain text
//   /topics             the same room for clients that come back where they were
//
// It leaves nothing behind: the room is in memory, unless a file is named in which it survives a restart.

import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Pong } from '../handlers/handler.ts'
import {
  type AnyTopic,
  chatRoom,
  clockFeed,
  closeLine,
  type DurableTopic,
  HandshakeError,
  type Journal,
  memoryJournal,
  openJournal,
  type Page,
  page,
  route,
  type Server,
  serve,
  type Topic,
  type TopicCaller,
  topic,
  topics,
  WebSocketHandler,
} from '../index.ts'

type AnyRoom = Topic<string> | DurableTopic<string>

const PAGES = { '/': 'index', '/echo': 'echo', '/clock': 'clock', '/chat-room': 'chat' }
const ASSETS = [
  'windsock.css',
  'windsock.svg',
  'client-status.js',
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

/** The routes of the demo, without its pages; `room` is where the chat's lines go. */
function demoRoutes(room: AnyRoom) {
  const who = ({ request }: TopicCaller) => `[${request.remoteAddress}]`
  return [
    route('/socket/', Echo, { pingIntervalMs: 1_000, pingTimeoutMs: 10_000 }),
    route('/websocket', clockFeed({ everyMs: 1_000 }), {
      prepare: ({ query }) => {
        if (!query.get('Id')) throw new HandshakeError(400, 'say who you are: /websocket?Id=<id>')
      },
    }),
    route('/chat', chatRoom({ topic: room })),
    topics('/topics', [room as AnyTopic], {
      accept: (input, caller) => {
        if (typeof input === 'string' && input.trim() !== '') return `${who(caller)} says: ${input}`
        throw new HandshakeError(400, 'say something, in words')
      },
      maxPublishesPerSecond: 100,
      joined: (caller) => void room.publish(`${who(caller)} joined the chat`),
      left: (caller) => void room.publish(`${who(caller)} left the chat`),
    }),
  ]
}

export interface DemoOptions {
  readonly host: string
  readonly port: number
  /** The file that keeps the room and the lives of connections; without one they are in memory. */
  readonly journal?: string
}

/** Serves the demo until SIGINT or SIGTERM; a second signal ends it at once. */
export async function demo({ host, port, journal: file }: DemoOptions): Promise<void> {
  const journal = file === undefined ? memoryJournal() : await journalIn(file, host, port)
  const room = topic<string>('chat', { durable: journal })
  const routes = [...demoRoutes(room), ...demoPages()]
  let server: Server
  try {
    server = await serve({ host, port, routes, journal })
  } catch (thrown) {
    await journal.close()
    throw thrown
  }
  // Before it says that it is there: whoever reads that may end it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => stop(server, journal, signal))
  server.closed$.subscribe((record) => console.log(closeLine(record)))
  console.log(`windsock demo on ${server.url}`)
  for (const path of Object.keys(PAGES)) console.log(`  ${server.url}${path}`)
  console.log(`In a terminal: windsock connect ${server.url.replace('http', 'ws')}/socket/`)
  const kept =
    file === undefined
      ? 'The chat is in memory, and gone with the demo; --journal <file> keeps it.'
      : `The chat is kept in ${file}.`
  console.log(`${kept}\nCtrl-C ends the demo.`)
}

/** A journal makes its file and its folder, and a server that cannot listen would leave them there. */
async function journalIn(file: string, host: string, port: number): Promise<Journal> {
  const trial = await serve({ host, port, routes: [] })
  await trial.close()
  const folder = dirname(resolve(file))
  const isNew = !existsSync(folder)
  const journal = await openJournal(file)
  // A slip in the path makes a folder that nobody wanted.
  if (isNew) console.log(`Made the folder ${folder}`)
  return journal
}

function demoPages(): Page[] {
  const file = (name: string) => new URL(`../../demo/${name}`, import.meta.url)
  return [
    ...Object.entries(PAGES).map(([path, name]) => page(path, file(`${name}.html`))),
    ...ASSETS.map((name) => page(`/assets/${name}`, file(name))),
    page(
      '/assets/windsock-client.js',
      new URL('../../dist/client/windsock-client.js', import.meta.url),
    ),
  ]
}

let stopping = false

function stop(server: Server, journal: Journal, signal: NodeJS.Signals): void {
  if (stopping) process.exit(1)
  stopping = true
  console.log(`${signal}: closing ${server.connections.size} connections`)
  void server
    .close()
    .then(() => journal.close())
    .then(() => process.exit(0))
}
