// Echo: answers each text message, in the three forms that a handler may have.
//
//   /stream  a function from a connection to what it is sent
//   /class   a class in Tornado's shape
//   /actor   an XState machine: messages are its events, what it emits is sent

import { filter, map } from 'rxjs'
import { type MessageEvent, route, WebSocketHandler } from 'windsock'
import { emit, setup } from 'xstate'

class Echo extends WebSocketHandler {
  override async onMessage(message: string | Uint8Array): Promise<void> {
    if (typeof message === 'string') await this.writeMessage(`You said: ${message}`)
  }
}

const echoMachine = setup({
  types: { events: {} as MessageEvent, emitted: {} as MessageEvent },
}).createMachine({
  on: {
    message: {
      guard: ({ event }) => typeof event.data === 'string',
      actions: emit(({ event }) => ({
        type: 'message' as const,
        data: `You said: ${String(event.data)}`,
      })),
    },
  },
})

export const routes = [
  route('/stream', (connection) =>
    connection.messages$.pipe(
      filter((message) => typeof message === 'string'),
      map((text) => `You said: ${text}`),
    ),
  ),
  route('/class', Echo),
  route('/actor', echoMachine),
]
