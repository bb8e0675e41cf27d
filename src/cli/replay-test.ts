// Replay test: a life written out as a regression test for vitest.
//
// The test has the events in it as data, so it needs no journal and runs for as long as there are tests. Messages are
// left out: the machine never hears of them, and what they say belongs in no repository.

import type { RecordedLifeEvent } from '../journal/events.ts'
import type { LifeStory } from '../journal/life-story.ts'
import { printable } from '../protocol/printable.ts'
import { jsonLine, lasted, quoted, utc } from './terminal-text.ts'

/** The name of the file where none is given; ids of any alphabet make a name. */
export function testFileName(connectionId: string): string {
  return `connection-${connectionId.slice(0, 40).replace(/[^\w-]/g, '_')}.test.ts`
}

/**
 * The test of a life that was folded.
 *
 * @param typed - whether it is to be TypeScript.
 */
export function regressionTest(connectionId: string, story: LifeStory, typed: boolean): string {
  const { started, closed, steps } = story
  const told = steps.filter(({ event }) => !isMessage(event))
  const life = told.map(
    ({ event, after }) =>
      `  {\n    event: ${jsonLine(event)},\n    state: ${jsonLine(after?.value)},\n  },\n`,
  )
  const record = closed?.record
  const path = quoted(started?.path ?? '?')
  const end =
    record === undefined
      ? 'not ended'
      : `${quoted(record.cause)} after ${lasted(record.durationMs)}`
  const title = `the connection ${printable(connectionId)} is lived again: ${end}`
  return [
    `// The life of the connection ${printable(connectionId)}, from a journal: ${path}, ${utc(started?.startedAtMs ?? 0)} UTC, ${end}.`,
    '//',
    '// Written by `windsock replay --test`. As long as it passes, these events lead through these states to this record.',
    '// Messages, if any were kept, are left out.',
    '',
    "import { expect, it } from 'vitest'",
    `import { Fold, fold${typed ? ', type RecordedLifeEvent' : ''} } from 'windsock'`,
    '',
    `const life${typed ? ': { event: RecordedLifeEvent; state: unknown }[]' : ''} = [`,
    `${life.join('')}]`,
    '',
    ...(record === undefined ? [] : [`const record = ${jsonLine(record)}`, '']),
    `it(${jsonLine(title)}, () => {`,
    '  const folding = new Fold()',
    '  for (const { event, state } of life) {',
    '    const { after } = folding.apply(event)',
    '    expect(after.value, `after event ${event.version}, ${event.type}`).toEqual(state)',
    '  }',
    '  const end = fold(life.map(({ event }) => event))',
    ...(record === undefined
      ? ["  expect(end?.status).toBe('active')"]
      : ["  expect(end?.status).toBe('done')", '  expect(end?.output).toEqual(record)']),
    '})',
    '',
  ].join('\n')
}

function isMessage({ type }: RecordedLifeEvent): boolean {
  return type === 'MessageReceived' || type === 'MessageSent'
}
