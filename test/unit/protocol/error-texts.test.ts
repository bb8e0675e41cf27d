import { expect, it } from 'vitest'
import { errorTexts } from '../../../src/protocol/error-texts.ts'
import {
  HandlerError,
  ProtocolError,
  SettingError,
  WebSocketError,
} from '../../../src/protocol/errors.ts'

it('a mistake in user code is a line, and the steps that lead to it', () => {
  const [line, stack, ...rest] = errorTexts(new HandlerError(new Error('mine')), '/chat')
  expect(line).toBe('windsock: ERR_WINDSOCK_HANDLER on /chat: the handler failed: mine')
  expect(stack).toMatch(/^Error: mine\n {4}at .*error-texts\.test\.ts/)
  expect(rest).toEqual([])
})

it('an error of ours that user code provoked has its own steps, and its message once', () => {
  const [line, stack] = errorTexts(new WebSocketError('ERR_WINDSOCK_CLOSE_CODE', 'no such code'))
  expect(line).toBe('windsock: ERR_WINDSOCK_CLOSE_CODE: no such code')
  for (const step of (stack as string).split('\n')) expect(step).toMatch(/^ {4}at /)
})

it.each([
  ['a fault of a peer', new ProtocolError(1002, 'a reserved bit')],
  ['a hook that hangs', new HandlerError(undefined, 'open did not finish')],
  ['a text that was thrown', new HandlerError('a text')],
  [
    'an error without a stack',
    new HandlerError(Object.assign(new Error('a'), { stack: undefined })),
  ],
  ['an error of ours without one', Object.assign(new SettingError('a'), { stack: '' })],
])('what no step of user code leads to is one line: %s', (_what, error) => {
  expect(errorTexts(error)).toHaveLength(1)
})

it('no line is one of the peer, and there are not many', () => {
  const error = new Error('one')
  error.stack = `Error: a\u{1b}[2J${'\n    at somewhere'.repeat(100)}`
  const [line, stack] = errorTexts(new HandlerError(error, 'one\ntwo'), '/a\nb')
  expect(line).toBe('windsock: ERR_WINDSOCK_HANDLER on /a\\nb: one\\ntwo')
  const steps = (stack as string).split('\n')
  expect([steps.length, steps[0]]).toEqual([30, 'Error: a\\u{1b}[2J'])
})
