// The page of the close record.

import { page, sentence, table } from './markdown.ts'
import { membersOf, sourceOf } from './members.ts'

const SOURCE = 'src/protocol/close-record.ts'

export function closeRecordPage(): string {
  return page(
    'The close record',
    SOURCE,
    'Every connection leaves exactly one record, also one that was refused with an HTTP status by policy. ' +
      '`connection.closed` resolves with it, `onClose(record)` gets it where `open` was called, and `server.closed$` ' +
      'emits it. Only an upgrade request that is turned away at the door leaves none: no route answers the path, the ' +
      'path does not decode, the server is full, or it is going away.',
    '## Fields',
    fields('CloseRecord'),
    '`sent` and `received` are Close frames: `{ code, reason }`, where code 1005 stands for a frame without a body.',
    '## Totals',
    'Sizes are bytes of payload, not of frames.',
    fields('ConnectionTotals'),
    '## Causes',
    'Why a connection ended, in one word. `initiator` says who began: `local`, `peer` (by a Close frame), or `network` ' +
      '(the link ended).',
    table(['Cause', 'Meaning'], causes()),
  )
}

function fields(name: string): string {
  return table(
    ['Field', 'Type', 'Meaning'],
    membersOf(SOURCE, name).map((member) => [
      `\`${member.name}\``,
      `\`${member.signature.replace(/^\w+: /, '')}\``,
      member.text,
    ]),
  )
}

/** `  | 'refused' // the opening handshake …` */
function causes(): string[][] {
  return [...sourceOf(SOURCE).matchAll(/^ {2}\| '(\w+)' \/\/ (.*)$/gm)].map(
    ([, cause = '', meaning = '']) => [`\`${cause}\``, sentence(meaning)],
  )
}
