// Clients that are not ours against our Application: Tornado's own, and that of Python's `websockets`.
//
// One process for each library goes through every scenario and prints what it saw; the tests compare.

import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WebSocketError } from 'windsock'
import { Application, HTTPError, RequestHandler, WebSocketHandler } from 'windsock/tornado'
import { requires } from '../support/requires.ts'
import { Mailbox } from './support/mailbox.ts'

const PYTHON = '/usr/bin/python3'
const imports = (module: string) => () => spawnSync(PYTHON, ['-c', `import ${module}`]).status === 0
const SECRET = 'a secret of the house'
const run = promisify(execFile)

const CALLERS = [
  {
    name: 'Tornado’s own client',
    script: 'tornado_caller.py',
    here: requires('python3-tornado', imports('tornado.websocket')),
    refusal: 'HTTPClientError',
  },
  {
    name: 'a websockets client',
    script: 'websockets_caller.py',
    here: requires('python3-websockets', imports('websockets')),
    refusal: 'InvalidStatusCode',
  },
]

// As in the callers.
const REPLIES = {
  texts: ['hello', '', 'größer €𝄞\0', 'x'.repeat(70_000)],
  bytes: ['', '00ff80', '00'.repeat(300_000)],
}
const NUMBERS = Array.from({ length: 1000 }, (_, number) => String(number))
const WRONG_CODES = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000]

interface Close {
  readonly code: number | null
  readonly reason: string | null
}

/** What ended, by the `case` of its query: the peer's code and reason, and our record's cause. */
type Ends = Mailbox<Close & { readonly name: string; readonly cause: string }>

/** An Application with something on every path that the callers connect to. */
function application(ends: Ends, errors: Mailbox<WebSocketError>): Application {
  class Echo extends WebSocketHandler {
    override selectSubprotocol(offered: readonly string[]) {
      return offered.includes('chosen') ? 'chosen' : null
    }
    override onMessage(message: string | Uint8Array) {
      return this.writeMessage(message, typeof message !== 'string')
    }
    override onClose({ cause }: { cause: string }) {
      const name = this.getArgument('case', '') ?? ''
      ends.put({ name, code: this.closeCode, reason: this.closeReason, cause })
    }
  }
  class Compressed extends Echo {
    override getCompressionOptions() {
      return {}
    }
  }
  class Small extends Compressed {
    override get maxMessageSize() {
      return 1024
    }
  }
  class Closes extends Echo {
    override open(code: string, reason: string) {
      if (code === '') this.close()
      else this.close(Number(code), reason)
    }
  }
  class Pings extends Echo {
    override open() {
      this.ping('ours')
    }
    override onPong(data: Uint8Array) {
      void this.writeMessage(`pong ${Buffer.from(data).toString()}`)
    }
    override onPing(data: Uint8Array) {
      void this.writeMessage(`ping ${Buffer.from(data).toString()}`)
    }
  }
  class Burst extends Echo {
    override async open() {
      for (const number of NUMBERS) await this.writeMessage(number)
      this.close(1000, 'that was all')
    }
  }
  class Headers extends Echo {
    override setDefaultHeaders() {
      this.setHeader('X-Served-By', 'windsock')
    }
    override open() {
      const { headers } = this.request
      return this.writeMessage({ mine: headers['x-mine'], authorization: headers['authorization'] })
    }
  }
  class Cookies extends Echo {
    override prepare() {
      this.setSignedCookie('ours', 'größer €')
    }
    override open() {
      const value = this.getSecureCookie('theirs')
      return this.writeMessage(value === null ? 'forged' : Buffer.from(value).toString())
    }
  }
  class Private extends Echo {
    override prepare() {
      throw new HTTPError(401)
    }
  }
  class Plain extends RequestHandler {
    override get() {
      this.setStatus(418)
    }
  }
  return new Application(
    [
      ['/echo', Echo],
      ['/compressed', Compressed],
      ['/small', Small],
      ['/close/([0-9]*)/(.*)', Closes],
      ['/ping', Pings],
      ['/burst', Burst],
      ['/headers', Headers],
      ['/cookies', Cookies],
      ['/private', Private],
      ['/plain', Plain],
    ],
    { cookieSecret: SECRET, onError: (error) => errors.put(error) },
  )
}

/** Runs a caller before the tests of a group, and gives them what was seen on both sides. */
function calling(script: string) {
  const ends: Ends = new Mailbox()
  const errors = new Mailbox<WebSocketError>()
  const app = application(ends, errors)
  let seen: Readonly<Record<string, unknown>> = {}
  beforeAll(async () => {
    const { port } = await app.listen(0)
    const args = [`test/integration/support/${script}`, `ws://127.0.0.1:${port}`, SECRET]
    const { stdout } = await run(PYTHON, args, { maxBuffer: 2 ** 26 })
    seen = JSON.parse(stdout) as typeof seen
  })
  afterAll(() => app.stop())
  return {
    errors,
    caller: (scenario: string) => seen[scenario],
    end: (name: string) => ends.find((end) => end.name === name),
  }
}

describe.each(CALLERS)('$name', ({ script, here, refusal }) => {
  const isTornado = script === 'tornado_caller.py'

  describe.runIf(here)('against our Application', () => {
    const { caller, end, errors } = calling(script)

    it('gets its text and binary back (T28, T42)', () => {
      expect(caller('echo')).toEqual(REPLIES)
    })

    if (!isTornado) {
      it('sends in fragments, plain and compressed', () => {
        const whole = ['one two €three', `000102${'ff'.repeat(70_000)}`]
        expect(caller('fragments')).toEqual({ plain: whole, deflate: whole })
      })
    }

    it('gets 1,000 messages in order, both ways', () => {
      const closed = { code: 1000, reason: 'that was all' }
      expect(caller('order')).toEqual({ back: NUMBERS, burst: NUMBERS, closed })
    })

    it('is given a subprotocol that it offered, or none (T36, T75)', () => {
      expect(caller('subprotocols')).toEqual(['chosen', null, null])
    })

    it('closes with code and reason, which we see and send back (T33, T65)', async () => {
      const closes: Close[] = [
        { code: 1000, reason: null },
        { code: 1001, reason: 'away' },
        { code: 3000, reason: null },
        { code: 4321, reason: 'größer' },
        { code: 4999, reason: 'r'.repeat(123) },
        // The other library sends no frame without a code.
        ...(isTornado ? [{ code: null, reason: null }] : []),
      ]
      expect(caller('closing')).toEqual(closes)
      for (const [number, close] of closes.entries()) {
        expect(await end(`close-${number}`)).toMatchObject({ ...close, cause: 'peerClosed' })
      }
    })

    it('sees our codes and reasons; a close without both is 1000 (T50)', () => {
      expect(caller('closed')).toEqual([
        { code: 1000, reason: null },
        { code: 1001, reason: 'away' },
        { code: 4001, reason: 'größer' },
        { code: 1000, reason: null },
      ])
    })

    it('sends codes that may not travel, and is told 1002 (T65)', async () => {
      const told = Object.fromEntries(WRONG_CODES.map((code) => [code, 1002]))
      expect(caller('wrong_codes')).toEqual(told)
      for (const code of WRONG_CODES) {
        expect(await end(`wrong-${code}`)).toMatchObject({ cause: 'protocolError', code: null })
      }
    })

    it('pings and is pinged, with the payload that was sent (T34, T35, T49)', () => {
      const heard = ['pong ours', 'ping mine größer']
      expect(caller('pings')).toEqual({ heard, pong: 'mine größer' })
    })

    it('agrees on compression when both want it, and the messages are the same (T77, T78)', () => {
      expect(caller('compression')).toEqual({
        '/echo plain': { agreed: false, ...REPLIES },
        '/echo deflate': { agreed: false, ...REPLIES },
        '/compressed plain': { agreed: false, ...REPLIES },
        '/compressed deflate': { agreed: true, ...REPLIES },
      })
    })

    it('may send as much as maxMessageSize; one byte more is 1009 (T39, T57, T58, T60)', () => {
      const expected = { taken: 1024, code: 1009, reason: null }
      expect(caller('limits')).toEqual({ plain: expected, deflate: expected })
    })

    if (!isTornado) {
      it('closes with 1009 when we send more than it takes', async () => {
        expect(caller('own_limit')).toMatchObject({ taken: 1024 })
        expect(await end('own-limit')).toMatchObject({ code: 1009, cause: 'peerClosed' })
      })
    }

    it('sends headers of its own, and gets ours with the 101 (T12, T25)', () => {
      const told = { mine: 'yes', authorization: 'Bearer x' }
      expect(caller('headers')).toEqual({ told, 'served by': 'windsock' })
    })

    if (isTornado) {
      it('brings a cookie that it signed, and reads ours (T98, T99, T100)', () => {
        expect(caller('cookies')).toEqual({ read: ['größer', 'forged'], ours: 'größer €' })
      })
    }

    it('is refused with an error that has the status (T1, T13, T19)', () => {
      const statuses = [401, 403, 404, 418]
      const refusals = Object.fromEntries(statuses.map((status) => [status, [refusal, status]]))
      expect(caller('refusals')).toEqual(refusals)
    })

    it('made nothing fail here', () => {
      expect(errors.all).toEqual([])
    })
  })
})
