// Long frames: a message below the limit passes, however the network cuts it up.
//
// `ws` bounds the chunks that wait for a frame to be complete; that bound must not be a bound on frames.

import { describe, expect, it } from 'vitest'
import { dial, route } from 'windsock'
import { DEFAULT_LIMITS } from '../../src/protocol/limits.ts'
import { maxBufferedChunks } from '../../src/transport/ws-options.ts'
import { Mailbox } from './support/mailbox.ts'
import { RawClient, text } from './support/raw-client.ts'
import { start } from './support/test-server.ts'

const LENGTH = 4 * 1024 * 1024

describe('one frame of 4 MiB, where a message may have one fragment', () => {
  it('passes a server', async () => {
    const lengths = route('/', (connection) => {
      connection.messages$.subscribe((message) => void connection.send(`${message.length}`))
    })
    const { port } = await start({ routes: [lengths], maxFragments: 1 })
    const client = await RawClient.open(port)
    client.write(text('x'.repeat(LENGTH)))
    expect(await client.nextText()).toBe(`${LENGTH}`)
  })

  it('passes a client', async () => {
    const long = route('/', (connection) => void connection.send('x'.repeat(LENGTH)))
    const { server } = await start({ routes: [long] })
    const messages = new Mailbox<number>()
    const { connection } = await dial(server.url.replace('http', 'ws'), {
      maxFragments: 1,
      handler: ({ messages$ }) => {
        messages$.subscribe((message) => messages.put(message.length))
      },
    })
    expect(await messages.next()).toBe(LENGTH)
    connection.close()
  })
})

describe('the bound on chunks', () => {
  it('leaves room for the longest message, and stays within 32 bits', () => {
    const { maxMessageBytes } = DEFAULT_LIMITS
    expect(maxBufferedChunks({ ...DEFAULT_LIMITS, maxFragments: 1 })).toBe(maxMessageBytes / 512)
    expect(maxBufferedChunks({ ...DEFAULT_LIMITS, maxFragments: 2 ** 28 + 1 })).toBe(2 ** 31 - 1)
  })
})
