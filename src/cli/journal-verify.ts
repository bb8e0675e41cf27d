// windsock journal verify: reads a whole journal, and says what is in it and what is damaged.
//
// The search itself is in `journal/verify.ts`; here its result becomes lines and an exit code.

import { type Damage, type Verified, verify } from '../journal/verify.ts'
import { printable } from '../protocol/printable.ts'
import { readJournal } from './journal-file.ts'
import { progressOn } from './journal-progress.ts'
import { columns, counted, grouped, print, prose } from './terminal-text.ts'

/** Prints what was found; the exit code is 1 when that is damage. */
export async function verifyJournal(file: string): Promise<void> {
  const progress = progressOn(process.stderr)
  const found = await readJournal(file, ({ store }) =>
    verify(store, (done, of) => progress.tell(done, of, 'lives and topics')),
  ).finally(() => progress.end())
  await print(reportLines(file, found, columns(80)))
  if (found.damagedStreams > 0) process.exitCode = 1
}

/** What was found, for people. */
export function reportLines(file: string, found: Verified, width: number): string[] {
  const { lives, live, events, topics, messages, agreeing, unfoldable } = found
  const notFolded =
    unfoldable === 0
      ? ''
      : `; ${grouped(unfoldable)} cannot be folded (a beginning that is gone, a machine of the route's own, events not kept)`
  const lines = [
    `${file}: ${found.damagedStreams === 0 ? 'sound' : 'DAMAGED'}`,
    `${counted(lives, 'life', 'lives')} with ${counted(events, 'event')}, ${grouped(live)} of them not ended`,
    `${counted(topics, 'topic')} with ${counted(messages, 'message')}`,
    `${grouped(agreeing)} folded to the close record that was kept${notFolded}`,
  ]
  const text = lines.flatMap((line) => prose(line, width))
  return found.damagedStreams === 0 ? text : [...text, '', ...damageLines(found, width)]
}

function damageLines({ damages, damagedStreams }: Verified, width: number): string[] {
  const [first, ...others] = damages as [Damage, ...Damage[]]
  const further = others.map((damage) => `  ${placeOf(damage)}`)
  const untold = damagedStreams - damages.length
  return [
    `The first damage: ${placeOf(first)}`,
    ...prose(printable(first.why, 400), width - 2).map((line) => `  ${line}`),
    ...(further.length === 0 ? [] : ['More:', ...further]),
    ...(untold === 0 ? [] : [`  and ${grouped(untold)} more`]),
    '',
    ...prose(
      'What to do: keep this file, and restore a copy from before, or begin a new journal. ' +
        'Other lives and topics can be read as they were written.',
      width,
    ),
  ]
}

function placeOf({ stream, version }: Damage): string {
  return `${printable(stream)}, version ${version}`
}
