// Readers that ask for more of the past than any buffer holds, and take it slowly.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openJournal, route, topic, topics } from 'windsock'
import { BINARY, CLOSE, RawClient } from './support/raw-client.ts'
import { start } from './support/test-server.ts'

const COUNT = 1_000
/** 32 MB of them, of which one connection may hold 1 MiB: far more than the kernel's buffers take. */
const BYTES = 32 * 1024

const numbered = (number: number) => {
  const payload = Buffer.alloc(BYTES)
  payload.writeUInt32BE(number)
  return payload
}

async function durable() {
  const folder = mkdtempSync(join(tmpdir(), 'windsock-past-'))
  const journal = await openJournal(join(folder, 'topics.db'))
  onTestFinished(async () => {
    await journal.close()
    rmSync(folder, { recursive: true })
  })
  return topic<Uint8Array>('much', { durable: journal })
}

const inMemory = async () =>
  topic<Uint8Array>('much', { history: { count: COUNT + 10, bytes: 64 * 1024 * 1024 } })

describe('?last= of a plain reader', () => {
  const few = topic<string>('few', { history: { count: 3 } })
  for (const value of ['a', 'b', 'c']) few.publish(value)
  const asking = async (last: string) => {
    const { port } = await start({ routes: topics('/plain', [few]) })
    const client = await RawClient.connect(port)
    const response = await client.request({ path: `/plain/few?last=${last}` })
    return { client, response }
  }

  it.each(['2', '9999', '10000', '99999999999999999999'])(
    'of %s gives as many as there are',
    async (last) => {
      const { client, response } = await asking(last)
      expect(response.status).toBe(101)
      expect(await client.nextText()).toBe(last === '2' ? 'b' : 'a')
    },
  )

  it.each(['x', '-1', '1.5', ''])('of "%s" is refused', async (last) => {
    expect((await asking(last)).response.status).toBe(400)
  })
})

describe.each([
  ['in memory', inMemory],
  ['in a journal', durable],
])('a topic %s', (_, make) => {
  it.each(['/plain/much?last=1000', '/own'])(
    'gives a slow reader of %s all that it asked for, and then what comes',
    async (path) => {
      const much = await make()
      let published: unknown
      for (let number = 0; number < COUNT; number++) published = much.publish(numbered(number))
      await published
      const { port, records } = await start({
        routes: [...topics('/plain', [much]), route('/own', () => much.last(1_000))],
      })
      const client = await RawClient.open(port, { path })
      client.pause()
      // It has been given what fits by now, and takes nothing.
      await new Promise((resolve) => setImmediate(resolve))
      await much.publish(numbered(COUNT))
      client.resume()
      const numbers: number[] = []
      for await (const { opcode, payload } of client) {
        expect(opcode).not.toBe(CLOSE)
        if (opcode === BINARY) numbers.push(payload.readUInt32BE())
        if (numbers.at(-1) === COUNT) await much.publish(numbered(COUNT + 1))
        if (numbers.at(-1) === COUNT + 1) break
      }
      const first = numbers[0] as number
      expect(numbers).toEqual(
        Array.from({ length: COUNT + 2 - first }, (_, index) => first + index),
      )
      expect(first).toBeLessThanOrEqual(1)
      client.reset()
      expect((await records.next()).totals.messagesDropped).toBe(0)
    },
  )
})
