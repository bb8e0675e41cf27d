// The page of the close codes.

import {
  CLOSE_CODES,
  type CloseCode,
  describeCloseCode,
  isSendable,
} from '../../src/protocol/close-codes.ts'
import { MAX_REASON_BYTES } from '../../src/protocol/close-reason.ts'
import { isResumable } from '../../src/protocol/resumable.ts'
import { page, sentence, table, yesNo } from './markdown.ts'

export function closeCodesPage(): string {
  const named = Object.entries<CloseCode>(CLOSE_CODES)
  return page(
    'Close codes',
    'src/protocol/close-codes.ts',
    'A close code says why a connection ends (RFC 6455 §7.4). **Sendable** codes may stand in a Close frame; the others ' +
      'only report how a connection ended. After a **resumable** code a client should connect again, after its ' +
      'back-off: trying again may help without anyone changing anything.',
    `The reason beside a code is UTF-8 of at most ${MAX_REASON_BYTES} bytes. In code: \`isSendable(code)\`, ` +
      '`isResumable(code)` and `describeCloseCode(code)` answer for any number, and `CLOSE_CODES` is the first table.',
    '## Codes with a name',
    table(
      ['Code', 'Name', 'Meaning', 'Sendable', 'Resumable'],
      named.map(([code, { name, meaning, sendable, resumable }]) => [
        code,
        name,
        meaning,
        yesNo(sendable),
        yesNo(resumable),
      ]),
    ),
    "4001, 4002, 4003 and 4008 are windsock's own meanings of codes that belong to applications. The server of this " +
      'version sends none of them by itself.',
    '## All other numbers',
    table(['Range', 'Meaning', 'Sendable', 'Resumable'], ranges()),
  )
}

/** Stretches of numbers without a name that are answered alike. */
function ranges(): string[][] {
  const stretches: { first: number; last: number; answer: string[] }[] = []
  for (let code = 1000; code <= 4999; code++) {
    if (Object.hasOwn(CLOSE_CODES, code)) continue
    const meaning = sentence(describeCloseCode(code).replace(/^\d+: /, ''))
    const answer = [meaning, yesNo(isSendable(code)), yesNo(isResumable(code))]
    const last = stretches.at(-1)
    if (last !== undefined && last.answer.join() === answer.join()) last.last = code
    else stretches.push({ first: code, last: code, answer })
  }
  return stretches.map(({ first, last, answer }) => [`${first} … ${last}`, ...answer])
}
