// windsock: echoes in its three forms, an actor with two kinds of logic, each also done by hand in a stream function, and
// a broadcast, the way the documentation writes them, with every default in place.
//
// That includes what bare `ws` does not have: the statechart of each connection, its pings, its byte budget, its
// journal. The package is imported by its own name, so what is measured is the build in `dist/`, as users get it.

import {
  type Connection,
  type MessageEvent,
  route,
  type ServerSettings,
  serve,
  topic,
  WebSocketHandler,
} from 'windsock'
import {
  type AnyActorLogic,
  createActor,
  emit,
  fromCallback,
  type NonReducibleUnknown,
  setup,
} from 'xstate'
import type { Listen, Listening } from './main.ts'
import { versionOf } from './version.ts'

class Echo extends WebSocketHandler {
  override async onMessage(message: string | Uint8Array): Promise<void> {
    await this.writeMessage(message, typeof message !== 'string')
  }
}

const echoCallback = fromCallback<MessageEvent, NonReducibleUnknown, MessageEvent>(
  ({ receive, emit: answer }) => receive((event) => answer(event)),
)

const echoMachine = setup({
  types: { events: {} as MessageEvent, emitted: {} as MessageEvent },
}).createMachine({ on: { message: { actions: emit(({ event }) => event) } } })

// The same work by hand, in a stream function: what each form is held against.

const oneByOne = (connection: Connection) => {
  let last = Promise.resolve()
  connection.messages$.subscribe((message) => {
    last = last.then(() => connection.send(message))
  })
}

const driven = (logic: AnyActorLogic) => (connection: Connection) => {
  const actor = createActor(logic)
  actor.on('message', ({ data }: MessageEvent) => void connection.send(data))
  actor.start()
  connection.messages$.subscribe({
    next: (data) => actor.send({ type: 'message', data }),
    complete: () => actor.stop(),
  })
}

export const listen: Listen = ({ deflate }) => listenWith({ compression: deflate })

/** Serves with `settings` beside the defaults. */
export async function listenWith(settings: ServerSettings): Promise<Listening> {
  const feed = topic<string>('feed')
  const { port } = await serve({
    ...settings,
    host: '127.0.0.1',
    port: 0,
    routes: [
      route('/echo', (connection) => connection.messages$),
      route('/echo/class', Echo),
      route('/echo/callback', echoCallback),
      route('/echo/machine', echoMachine),
      route('/echo/class/by-hand', oneByOne),
      route('/echo/callback/by-hand', driven(echoCallback)),
      route('/echo/machine/by-hand', driven(echoMachine)),
      route('/broadcast', (connection) => {
        connection.messages$.subscribe((message) => {
          if (typeof message === 'string') feed.publish(message)
        })
        return feed
      }),
    ],
  })
  return { port, version: versionOf('windsock') }
}
