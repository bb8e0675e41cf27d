// What is printed of an error when nobody listens: enough to find the line of user code that is to blame.

import { expect, it, vi } from 'vitest'
import { HandlerError, ProtocolError, type WebSocketError, WebSocketHandler } from 'windsock'
import { harness } from 'windsock/testing'
import { route } from '../../src/route.ts'
import { printError } from '../../src/runtime.ts'

function printedOf(error: WebSocketError): string[] {
  const printed: string[] = []
  const spy = vi.spyOn(console, 'error').mockImplementation((text: string) => {
    printed.push(...text.split('\n'))
  })
  try {
    printError(error)
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
  expect(stack.filter((step) => step.includes('runtime.test.ts'))).not.toEqual([])
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
