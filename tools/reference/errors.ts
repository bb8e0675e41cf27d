// The page of the errors.

import {
  ERROR_CODES,
  HandlerError,
  HandshakeError,
  LimitError,
  ProtocolError,
  SettingError,
  WebSocketClosedError,
  type WebSocketError,
} from '../../src/protocol/errors.ts'
import { page, table } from './markdown.ts'

/** One of each class; what it carries by default is read off it. */
const EXAMPLES: readonly (readonly [error: WebSocketError, when: string])[] = [
  [new HandshakeError(403, ''), 'The opening handshake is refused; you throw it in `prepare`'],
  [new ProtocolError(1002, ''), 'The peer broke RFC 6455'],
  [new WebSocketClosedError(), "An operation came after the connection's close"],
  [
    new HandlerError(undefined),
    'User code threw, rejected or never finished; `cause` is what it threw',
  ],
  [new LimitError(''), 'A bound was reached'],
  [new SettingError(''), 'A setting is unknown or outside its range; thrown at start'],
]

export function errorsPage(): string {
  return page(
    'Errors',
    'src/protocol/errors.ts',
    'Everything windsock throws, rejects with or reports is a `WebSocketError`; only a test that goes wrong is told by ' +
      '`windsock/testing` in plain errors, too. Look at its `code`: codes are API and ' +
      'never change their meaning. The message is prose for people and may change. `fault` says who has to change ' +
      'something: `local` (the calling code), `peer`, `network`, or `bug` (a handler). `cause` is what was behind it.',
    '## Codes',
    table(
      ['Code', 'Meaning'],
      Object.entries(ERROR_CODES).map(([code, meaning]) => [`\`${code}\``, meaning]),
    ),
    '## Classes',
    'Errors with a code that has no class of its own are plain `WebSocketError`s. The close code and the HTTP status ' +
      'are what suits the error on an open connection and before it is open; for `HandshakeError` and `ProtocolError` ' +
      'they are given by whoever makes it.',
    table(
      ['Class', 'When', 'Code', 'Fault', 'Close code', 'HTTP status'],
      EXAMPLES.map(([error, when]) => [
        `\`${error.name}\``,
        when,
        `\`${error.code}\``,
        error.fault,
        error instanceof ProtocolError ? 'given' : String(error.closeCode),
        error instanceof HandshakeError ? 'given' : String(error.httpStatus),
      ]),
    ),
  )
}
