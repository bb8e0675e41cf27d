// windsock: echoes in its three forms, an actor with two kinds of logic, and a broadcast, the way the documentation
// writes them, with every default in place.
//
// That includes what bare `ws` does not have: the statechart of each connection, its pings, its byte budget, its
// journal. The package is imported by its own name, so what is measured is the build in `dist/`, as users get it.

import {
  type MessageEvent,
  route,
  type ServerSettings,
  serve,
  topic,
  WebSocketHandler,
} from 'windsock'
import { emit, fromCallback, type NonReducibleUnknown, setup } from 'xstate'
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
