// Mixed feed: a route that gives its clients a topic's messages and messages of their own, in every order.
//
// Once so many have come, all are written in a few turns and the connections are closed. Texts come back in later
// messages, own and shared, so that a deflater with a memory points into it.

import { type Connection, type Message, route, topic } from 'windsock'
import { start } from './test-server.ts'

const LINE = '{"symbol":"ABCD","price":1234.5678,"note":"größer 😀"},'

export interface MixedFeed {
  readonly port: number
  /** What the client that came as number `index`, from 0, has to have got. */
  readonly expected: (index: number) => Message[]
}

export async function mixedFeed(clients: number): Promise<MixedFeed> {
  const feed = topic<Message>('feed')
  const arrived: Connection[] = []
  const expected: Message[][] = []
  const play = async () => {
    for (let number = 0; number < 60; number++) {
      const body = `${number} ${LINE.repeat(1 + ((number * 7) % 40))}`
      // A long one is deflated beside the event loop, and noise is not worth it.
      const shared = number % 20 === 7 ? body.repeat(30) : number % 20 === 9 ? noise(number) : body
      feed.publish(shared)
      for (const [index, connection] of arrived.entries()) {
        expected[index]?.push(shared)
        if ((number + index) % 3 > 0) continue
        const own = `own ${index} ${body}`
        void connection.send(own)
        expected[index]?.push(own)
      }
      if (number % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    for (const connection of arrived) connection.close(1000, 'that was all')
  }
  const mixed = route(
    '/',
    (connection) => {
      feed.subscribe((message) => void connection.send(message))
      expected.push([])
      if (arrived.push(connection) === clients) setImmediate(() => void play())
    },
    {
      compression: { thresholdBytes: 64 },
      maxOutboundBytes: 2 ** 24,
    },
  )
  const { port } = await start({ routes: [mixed], closeTimeoutMs: 10_000 })
  return { port, expected: (index) => expected[index] ?? [] }
}

function noise(seed: number): Uint8Array {
  let state = seed
  return new Uint8Array(900).map(() => (state = Math.imul(state + 1, 0x9e3779b1)) >>> 24)
}

/** Messages in a form that every language can print: text as it is, binary in hexadecimal. */
export function printable(messages: readonly Message[]): string[] {
  return messages.map((one) => (typeof one === 'string' ? one : Buffer.from(one).toString('hex')))
}
