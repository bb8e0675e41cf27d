// windsock replay: what a journal knows of its connections, and of one of them.
//
// It opens the journal to read, picks what was asked for, and prints it; how that looks stands in `replay-*.ts`.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type LifeStory, lifeStory, stateName } from '../journal/life-story.ts'
import type { Store } from '../journal/store.ts'
import { describe, JournalError } from '../protocol/errors.ts'
import { findConnection, readJournal } from './journal-file.ts'
import { connectionTable, type ListFilter, listConnections } from './replay-list.ts'
import { armedTimers, momentLines } from './replay-moment.ts'
import { connectionChart, storyToMermaid } from './replay-path.ts'
import { storyLines, untold } from './replay-story.ts'
import { regressionTest, testFileName } from './replay-test.ts'
import { columns, jsonLine, print } from './terminal-text.ts'

export interface ListOptions extends ListFilter {
  readonly json?: boolean
}

export interface LifeOptions {
  readonly json?: boolean
  /** The version of the event after which to look. */
  readonly at?: number
  readonly mermaid?: boolean
  /** The file to write; `true` for the usual name. */
  readonly test?: string | true
}

/** Prints which connections there are. */
export async function replayList(file: string, options: ListOptions): Promise<void> {
  await readJournal(file, async ({ store }) => {
    const { rows, more } = await listConnections(store, options)
    if (options.json) {
      return print(rows.map((row) => jsonLine({ ...row, live: row.record === undefined })))
    }
    if (rows.length === 0) return print([await nothing(store, options)])
    const notes = [
      ...(rows.some(({ inferred }) => inferred)
        ? ['* inferred: its process ended without a word']
        : []),
      ...(rows.some(({ record }) => record === undefined)
        ? ['live: or its process died, and none has opened this journal since']
        : []),
      ...(rows.some(({ path }) => path === undefined)
        ? ['?: its beginning is older than what is kept']
        : []),
      ...(more ? [`There are more: --limit ${options.limit * 5}, or --limit 0 for all`] : []),
    ]
    const table = connectionTable(rows, columns(Number.POSITIVE_INFINITY))
    return print(notes.length === 0 ? table : [...table, '', ...notes])
  })
}

async function nothing(store: Store, { cause, ended, live }: ListFilter): Promise<string> {
  const isFiltered = cause !== undefined || ended !== undefined || live
  if (isFiltered) return 'No connection is like that.'
  const [topic] = await store.streams({ maxStreams: 1 })
  return topic === undefined
    ? 'The journal is empty.'
    : 'The journal has messages of topics, and no connection.'
}

/** Prints one life, or writes what was asked for of it. */
export async function replayLife(file: string, given: string, options: LifeOptions): Promise<void> {
  const { id, events } = await readJournal(file, async (journal) => {
    const id = await findConnection(journal.store, given)
    return { id, events: await journal.life(id) }
  })
  const story = lifeStory(events)
  const width = Math.min(100, columns(80))
  if (options.at !== undefined) return printMoment(id, story, options.at, options, width)
  if (options.json) return print(jsonLines(story))
  if (options.mermaid) {
    checkFoldable(story)
    return print(storyToMermaid(id, story).trimEnd().split('\n'))
  }
  if (options.test !== undefined) return writeTest(id, story, options.test)
  return print(storyLines(id, story, width))
}

function* jsonLines({ steps }: LifeStory): Generator<string> {
  for (const { event, sinceStartMs, sincePreviousMs, before, after, effects } of steps) {
    const times = { sinceStartMs, sincePreviousMs }
    const states = {
      before: before && stateName(before),
      after: after && stateName(after),
      ...(after && { effects }),
    }
    yield jsonLine({ ...event, ...times, ...states })
  }
}

async function printMoment(
  id: string,
  story: LifeStory,
  version: number,
  { json }: LifeOptions,
  width: number,
): Promise<void> {
  checkFoldable(story)
  const { steps } = story
  const index = steps.findIndex(({ event }) => event.version === version)
  const step = steps[index]
  if (step?.after === undefined) {
    throw refusal(`there is no event ${version} in this life: it has 1 to ${steps.length}`)
  }
  if (!json) return print(momentLines(story, index, connectionChart(), width))
  const { event, after } = step
  const timers = armedTimers(steps.slice(0, index + 1))
  const next = steps[index + 1]?.event
  const { context } = after
  return print([
    jsonLine({ connectionId: id, event, state: stateName(after), context, timers, next }),
  ])
}

function writeTest(id: string, story: LifeStory, file: string | true): Promise<void> {
  checkFoldable(story)
  const name = file === true ? testFileName(id) : file
  try {
    mkdirSync(dirname(name), { recursive: true })
    // Never over a file that is there: it may have been edited.
    writeFileSync(name, regressionTest(id, story, /\.[cm]?ts$/.test(name)), { flag: 'wx' })
  } catch (thrown) {
    const exists = (thrown as NodeJS.ErrnoException).code === 'EEXIST'
    throw refusal(
      exists
        ? `${name} is there already: name another file, --test <file>`
        : `${name} cannot be written: ${describe(thrown)}`,
    )
  }
  return print([`${name} is written; run it: npx vitest run ${name}`])
}

function checkFoldable({ unfoldable }: LifeStory): void {
  if (unfoldable !== undefined) {
    throw refusal(untold(unfoldable, Number.POSITIVE_INFINITY).join(' '))
  }
}

function refusal(message: string): JournalError {
  return new JournalError('ERR_WINDSOCK_JOURNAL', message)
}
