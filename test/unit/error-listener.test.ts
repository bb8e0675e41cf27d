// What is printed of an error when nobody listens: enough to find the line of user code that is to blame.

import { expect, it, vi } from 'vitest'
import { HandlerError, ProtocolError, type WebSocketError, WebSocketHandler } from 'windsock'
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
