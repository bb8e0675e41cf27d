// What is printed of an error when nobody listens: enough to find the line of user code that is to blame.

import { config } from 'rxjs'
import { expect, it, onTestFinished, vi } from 'vitest'
import {
  dial,
  HandlerError,
  ProtocolError,
  serve,
  type WebSocketError,
  WebSocketHandler,
} from 'windsock'
import { harness } from 'windsock/testing'
import { printError, reportTo } from '../../src/error-listener.ts'
import { route } from '../../src/route.ts'

const printedOf = (error: WebSocketError) => printedBy(() => printError(error))

function printedBy(act: () => void): string[] {
  const printed: string[] = []
  const spy = vi.spyOn(console, 'error').mockImplementation((text: string) => {
    printed.push(...text.split('\n'))
  })
  try {
    act()
  } finally {
    spy.mockRestore()
  }
  return printed
}

/** What the server is told when `act` is done in `open`. */
async function toldOf(act: (handler: WebSocketHandler) => unknown): Promise<WebSocketError> {
  class Mistaken extends WebSocketHandler {
    override async open() {
      await act(this)
    }
  }
  await using server = harness([route('/', Mistaken)])
  server.client('/')
  await server.advance(10)
  return server.errors[0] as WebSocketError
}

it.each([
  ['a wrong close code', (handler: WebSocketHandler) => handler.close(5000)],
  [
    'what is no message',
    (handler: WebSocketHandler) => handler.connection.send(undefined as never),
  ],
  ['an error of its own', () => Promise.reject(new Error('mine'))],
])('the line in user code is printed: %s', async (_, act) => {
  const [line, ...stack] = printedOf(await toldOf(act))
  expect(line).toMatch(/^windsock: ERR_WINDSOCK_/)
  expect(stack.filter((step) => step.includes('error-listener.test.ts'))).not.toEqual([])
})

it('the message of an error of ours is printed once', async () => {
  const [, ...stack] = printedOf(await toldOf((handler) => handler.close(5000)))
  expect(stack.filter((step) => !step.startsWith('    at '))).toEqual([])
})

it.each([
  ['a fault of a peer', new ProtocolError(1002, 'a reserved bit')],
  ['a hook that hangs', new HandlerError(undefined, 'open did not finish')],
  ['a text that was thrown', new HandlerError('a text')],
])('an error that no step of user code leads to is one line: %s', (_, error) => {
  expect(printedOf(error)).toHaveLength(1)
})

it('what a listener that throws was told is printed, and what it threw', () => {
  const report = reportTo((_, connection) => {
    throw new Error(`no ${connection?.id}`)
  })
  const lines = printedBy(() => report(new ProtocolError(1002, 'a reserved bit')))
  expect(lines[0]).toMatch(/^windsock: ERR_WINDSOCK_PROTOCOL: a reserved bit/)
  expect(lines[1]).toMatch(/^windsock: ERR_WINDSOCK_UNHANDLED: .*no undefined/)
  expect(lines.filter((step) => step.includes('error-listener.test.ts'))).not.toEqual([])
})

it('a listener that cannot even be printed of hurts nobody', () => {
  const fails = () => {
    throw new Error('no standard error')
  }
  const spy = vi.spyOn(console, 'error').mockImplementation(fails)
  const report = reportTo(fails)
  expect(() => report(new ProtocolError(1002, 'a reserved bit'))).not.toThrow()
  spy.mockRestore()
})

it('a subscriber outside any connection is told of to who came first and is open, else printed', async () => {
  const forget = () => void Object.assign(config, { onUnhandledError: null })
  forget()
  onTestFinished(forget)
  const told: string[] = []
  const as = (name: string) => ({ onError: () => void told.push(name) })
  const tell = () => config.onUnhandledError?.(new Error('a subscriber'))
  const first = await serve({ routes: [route('/', () => {})], ...as('first') })
  const { port, host, url } = first
  await expect(serve({ port, host, routes: [], ...as('never open') })).rejects.toThrow()
  const { connection } = await dial(url.replace('http', 'ws'), {
    handler: () => {},
    ...as('dialed'),
  })
  const second = await serve({ routes: [], ...as('second') })
  tell()
  await first.close()
  await connection.closed
  tell()
  expect(told).toEqual(['first', 'second'])
  await second.close()
  expect(printedBy(tell)[0]).toMatch(/ERR_WINDSOCK_UNHANDLED.*a subscriber$/)
  expect(told).toHaveLength(2)
})
