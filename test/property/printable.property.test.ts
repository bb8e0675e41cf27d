// Laws of what is printed: nothing that a peer or a handler says can forge a log line or drive a terminal.

import fc from 'fast-check'
import { describe, expect, vi } from 'vitest'
import { type CloseRecord, closeLine, HandlerError, WebSocketError } from 'windsock'
import { printError } from '../../src/error-listener.ts'
import { copyable, MAX_PRINTED_BYTES, printable } from '../../src/protocol/printable.ts'
import { reasons } from './support/arbitraries.ts'
import { lawOf } from './support/law.ts'

const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.string({ maxLength: 400 }),
  fc
    .array(
      fc.constantFrom(
        '\n',
        '\r',
        '\u001b[31m',
        '\u0000',
        '\u202e',
        '\u2028',
        '\ud800',
        '\\',
        'é',
        '€',
        '😀',
      ),
      { maxLength: 120 },
    )
    .map((parts) => parts.join('')),
)

// Written down from the standards, not taken from the code: C0, DEL, C1, separators, bidi and zero-width.
const harmful =
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

describe('text of others', () => {
  lawOf('is printed on one line, harmless, and in 200 bytes at most (I-44)', nasty, (text) => {
    const printed = printable(text)
    expect(printed).not.toMatch(harmful)
    expect(Buffer.byteLength(printed)).toBeLessThanOrEqual(MAX_PRINTED_BYTES)
  })

  lawOf(
    'is printed as it is when there is nothing wrong with it',
    fc.string({ maxLength: 200 }),
    (text) => {
      expect(printable(text)).toBe(
        text.replaceAll('\\', '\\\\').length > 200
          ? expect.any(String)
          : text.replaceAll('\\', '\\\\'),
      )
    },
  )

  lawOf(
    'is harmless with its backslashes as they are, and nothing else is printed alike',
    fc.array(fc.oneof(nasty, fc.constantFrom('\\u{', '\\\\u{1b}', '}'))),
    (parts) => {
      const text = parts.join('')
      const printed = copyable(text, Number.MAX_SAFE_INTEGER)
      expect(printed).not.toMatch(harmful)
      const read = printed.replace(/\\u\{([0-9a-f]+)\}/g, (_, hex: string) =>
        String.fromCodePoint(Number.parseInt(hex, 16)),
      )
      expect(read).toBe(text)
    },
  )

  lawOf(
    'makes no second line of a close record (I-44)',
    fc.tuple(nasty, reasons, nasty),
    ([detail, reason, told]) => {
      const line = closeLine({
        ...RECORD,
        detail,
        received: { code: 1000, reason },
        sent: { code: 1000, reason: told },
      })
      expect(line).not.toMatch(harmful)
      expect(Buffer.byteLength(line)).toBeLessThan(3 * MAX_PRINTED_BYTES + 300)
    },
  )

  lawOf('of a request makes no second line of its error (I-44)', nasty, (text) => {
    const printed: string[] = []
    const spy = vi.spyOn(console, 'error').mockImplementation((line: string) => printed.push(line))
    try {
      const request = { method: 'GET', path: `/${text}` }
      const error = new WebSocketError('ERR_WINDSOCK_HTTP', 'm', { fault: 'peer' })
      printError(error, undefined, request as never)
    } finally {
      spy.mockRestore()
    }
    expect(printed).toHaveLength(1)
    expect(printed[0]).toMatch(/^windsock: ERR_WINDSOCK_HTTP on GET \//)
    expect(printed[0]).not.toMatch(harmful)
  })

  lawOf(
    'makes no second line of an error, and drives no terminal by its stack (I-44)',
    nasty,
    (text) => {
      const printed: string[] = []
      const spy = vi
        .spyOn(console, 'error')
        .mockImplementation((line: string) => printed.push(line))
      try {
        const connection = { request: { path: `/${text}` } } as never
        printError(new HandlerError(new Error(text)), connection)
        printError(new WebSocketError('ERR_WINDSOCK_MESSAGE_TYPE', text), connection)
      } finally {
        spy.mockRestore()
      }
      expect(printed).toHaveLength(4)
      for (const line of [printed[0], printed[2]] as string[]) {
        expect(line).not.toMatch(harmful)
        expect(Buffer.byteLength(line)).toBeLessThan(2 * MAX_PRINTED_BYTES + 100)
      }
      // A stack has lines, each of them a step of ours.
      const stacks = `${printed[1]}\n${printed[3]}`
      for (const each of stacks.split('\n')) expect(each).not.toMatch(harmful)
    },
  )
})

const RECORD: CloseRecord = {
  connectionId: 'a',
  initiator: 'peer',
  cause: 'peerClosed',
  detail: '',
  sent: null,
  received: null,
  code: 1000,
  reason: '',
  wasClean: true,
  status: null,
  startedAtMs: 0,
  durationMs: 1,
  silentForMs: 0,
  totals: {
    messagesReceived: 0,
    bytesReceived: 0,
    messagesSent: 0,
    bytesSent: 0,
    messagesDropped: 0,
    bytesUnsent: 0,
  },
}
