// Compressed topics: clients that are not ours read what was deflated once for all, between messages of their own.

import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { dial, type Message } from 'windsock'
import { WebSocket } from 'ws'
import { requires } from '../support/requires.ts'
import { mixedFeed, printable } from './support/mixed-feed.ts'

const PYTHON = '/usr/bin/python3'
const run = promisify(execFile)
const imports = (module: string) => () => spawnSync(PYTHON, ['-c', `import ${module}`]).status === 0

/** What a listener has heard when the server has closed. */
interface Heard {
  readonly agreed: boolean
  readonly heard: string[]
  readonly code: number
}

async function byWs(url: string, options: object = {}): Promise<Heard> {
  const ws = new WebSocket(url, options)
  const messages: Message[] = []
  ws.on('message', (data: Buffer, isBinary) =>
    messages.push(isBinary ? data : data.toString('utf8')),
  )
  const [code] = (await once(ws, 'close')) as [number]
  return { agreed: ws.extensions !== '', heard: printable(messages), code }
}

const byPython = (library: string) => async (url: string) => {
  const args = ['test/integration/support/listener.py', library, url]
  const { stdout } = await run(PYTHON, args, { maxBuffer: 2 ** 26 })
  return JSON.parse(stdout) as Heard
}

async function byDial(url: string): Promise<Heard> {
  const messages: Message[] = []
  const { connection } = await dial(url, {
    compression: true,
    handler: ({ messages$ }) => void messages$.subscribe((message) => messages.push(message)),
  })
  const { received } = await connection.closed
  return { agreed: true, heard: printable(messages), code: received?.code ?? 0 }
}

const LISTENERS: readonly [string, (url: string) => Promise<Heard>, isThere?: () => boolean][] = [
  ['ws', byWs],
  [
    'ws without context takeover',
    (url) => byWs(url, { perMessageDeflate: { serverNoContextTakeover: true } }),
  ],
  [
    'ws with a small window',
    (url) => byWs(url, { perMessageDeflate: { serverMaxWindowBits: 10 } }),
  ],
  ['windsock', byDial],
  ['Tornado', byPython('tornado'), imports('tornado.websocket')],
  ['websockets', byPython('websockets'), imports('websockets')],
]

describe('a topic with compression', () => {
  for (const [name, listen, isThere] of LISTENERS) {
    const found = isThere === undefined || requires(`${name} for Python`, isThere)
    it.skipIf(!found)(
      `is read by ${name} as it was published, with its own in between`,
      async () => {
        const { port, expected } = await mixedFeed(2)
        const url = `ws://127.0.0.1:${port}/`
        const all = await Promise.all([listen(url), listen(url)])
        const wanted = [printable(expected(0)), printable(expected(1))]
        expect(wanted[0]?.length).toBeGreaterThan(60)
        for (const { agreed, heard, code } of all) {
          expect({ agreed, code }).toEqual({ agreed: true, code: 1000 })
          // Which of the two came first nobody knows.
          const mine = wanted.findIndex((one) => one.find(isOwn) === heard.find(isOwn))
          expect(heard).toEqual(wanted[mine])
        }
      },
    )
  }
})

const isOwn = (message: string) => message.startsWith('own')
