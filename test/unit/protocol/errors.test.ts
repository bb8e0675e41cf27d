import { expect, describe as group, it } from 'vitest'
import {
  describe,
  ERROR_CODES,
  HandlerError,
  HandshakeError,
  JournalError,
  LimitError,
  ProtocolError,
  SettingError,
  show,
  typeName,
  WebSocketClosedError,
  WebSocketError,
} from '../../../src/protocol/errors.ts'

group('the error tree (RFC 6455 §7.4.1)', () => {
  it('has a code of its own form and a sentence for each', () => {
    for (const [code, sentence] of Object.entries(ERROR_CODES)) {
      expect(code).toMatch(/^ERR_WINDSOCK_[A-Z_]+$/)
      expect(sentence).toMatch(/^[A-Z].*\.$/)
    }
  })

  it.each([
    [
      new WebSocketError('ERR_WINDSOCK_TOPIC', 'm'),
      'WebSocketError',
      'ERR_WINDSOCK_TOPIC',
      'local',
      1011,
      500,
    ],
    [new HandshakeError(403, 'm'), 'HandshakeError', 'ERR_WINDSOCK_HANDSHAKE', 'peer', 1011, 403],
    [new ProtocolError(1002, 'm'), 'ProtocolError', 'ERR_WINDSOCK_PROTOCOL', 'peer', 1002, 400],
    [
      new WebSocketClosedError('m'),
      'WebSocketClosedError',
      'ERR_WINDSOCK_CLOSED',
      'local',
      1011,
      500,
    ],
    [new HandlerError(0, 'm'), 'HandlerError', 'ERR_WINDSOCK_HANDLER', 'bug', 1011, 500],
    [new LimitError('m'), 'LimitError', 'ERR_WINDSOCK_LIMIT', 'peer', 1008, 503],
    [new SettingError('m'), 'SettingError', 'ERR_WINDSOCK_SETTING', 'local', 1011, 500],
    [
      new JournalError('ERR_WINDSOCK_JOURNAL_LOCKED', 'm'),
      'JournalError',
      'ERR_WINDSOCK_JOURNAL_LOCKED',
      'local',
      1013,
      503,
    ],
  ])('says whose fault it is and what to answer: %s', (error, name, code, fault, close, status) => {
    expect(error).toBeInstanceOf(WebSocketError)
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name, code, fault, closeCode: close, httpStatus: status })
    expect(error.message).toBe('m')
  })

  it('takes what is known better than the defaults', () => {
    const cause = new TypeError('inner')
    expect(
      new WebSocketError('ERR_WINDSOCK_LISTEN', 'm', {
        fault: 'network',
        closeCode: 1012,
        httpStatus: 502,
        cause,
      }),
    ).toMatchObject({ fault: 'network', closeCode: 1012, httpStatus: 502, cause })
    expect(new HandshakeError(400, 'm', { fault: 'local', httpStatus: 500 })).toMatchObject({
      fault: 'local',
      httpStatus: 400,
    })
    expect(new LimitError('m', { closeCode: 1013 }).closeCode).toBe(1013)
    expect(new ProtocolError(1007, 'm', cause).cause).toBe(cause)
    expect(new JournalError('ERR_WINDSOCK_JOURNAL', 'm', cause).cause).toBe(cause)
  })

  it('carries what a refusal answers beside its status, and nothing unless it is given', () => {
    expect(new HandshakeError(403, 'm')).toMatchObject({ headers: {}, body: undefined })
    const headers = { 'Retry-After': '5' }
    expect(new HandshakeError(503, 'm', { headers, body: 'later' })).toMatchObject({
      headers,
      body: 'later',
    })
  })

  it('tells in a handler error what the handler threw', () => {
    expect(new HandlerError(new TypeError('inner')).message).toContain('inner')
  })

  it('has no cause unless one is given', () => {
    expect('cause' in new SettingError('m')).toBe(false)
    expect('cause' in new HandlerError(undefined)).toBe(false)
  })

  it('names the closed connection without being told how', () => {
    expect(new WebSocketClosedError().message).toMatch(/closing or closed/)
  })

  it('tells who is too early from who is too late', () => {
    const messages = [
      WebSocketClosedError.of('connecting', undefined),
      WebSocketClosedError.of('connecting', {}),
      WebSocketClosedError.of('closed', undefined),
    ].map(({ message }) => message)
    const tooLate = new WebSocketClosedError().message
    expect(messages.map((message) => message === tooLate)).toEqual([false, true, true])
  })
})

group('anything thrown (RFC 6455 §7.1.7)', () => {
  it('comes back as it is when it is of the tree', () => {
    const error = new SettingError('m')
    expect(WebSocketError.from(error)).toBe(error)
  })

  it.each([new TypeError('inner'), 'text', 7, null, undefined, Symbol('x')])(
    'becomes a handler error that keeps it as the cause: %s',
    (thrown) => {
      const error = WebSocketError.from(thrown)
      expect(error).toBeInstanceOf(HandlerError)
      expect(error.cause).toBe(thrown)
    },
  )

  it.each([
    [new TypeError('inner'), 'inner'],
    [new TypeError(''), 'TypeError'],
    ['text', 'text'],
    [null, 'null'],
    [undefined, 'undefined'],
    [Symbol('x'), 'Symbol(x)'],
    [Object.create(null), 'a value that cannot be shown'],
    [
      {
        toString() {
          throw new Error('no')
        },
      },
      'a value that cannot be shown',
    ],
  ])('has a line about it', (thrown, line) => {
    expect(describe(thrown)).toBe(line)
  })
})

group('a value in a message', () => {
  it('is shown as a program would write it', () => {
    expect(['a "b"\n', 7, null, undefined, Symbol('x')].map(show)).toEqual([
      '"a \\"b\\"\\n"',
      '7',
      'null',
      'undefined',
      'Symbol(x)',
    ])
  })

  it('has a type in one word, and null one of its own', () => {
    expect([null, {}, 'a', undefined].map(typeName)).toEqual([
      'null',
      'object',
      'string',
      'undefined',
    ])
  })
})

group('a value in a message', () => {
  it.each([
    ['a "text"', '"a \\"text\\""'],
    [() => {}, 'a function'],
    [{ a: 1 }, 'an object'],
    [null, 'null'],
    [7, '7'],
    [[1, 2], '1,2'],
  ])('%j is shown in one line', (value, shown) => {
    expect(show(value)).toBe(shown)
  })
})
