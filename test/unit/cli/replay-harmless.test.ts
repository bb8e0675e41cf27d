// What peers wrote never reaches the terminal as anything but text: no output has a control character of theirs.
//
// The renderers are held to it by themselves, though everything that is printed passes `harmless` once more.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reportLines } from '../../../src/cli/journal-verify.ts'
import { connectionTable, type Listed } from '../../../src/cli/replay-list.ts'
import { momentLines } from '../../../src/cli/replay-moment.ts'
import { connectionChart, storyToMermaid } from '../../../src/cli/replay-path.ts'
import { storyLines } from '../../../src/cli/replay-story.ts'
import { regressionTest, testFileName } from '../../../src/cli/replay-test.ts'
import { lifeStory } from '../../../src/journal/life-story.ts'
import { CONTROL, hostileLife, hostileText } from './support/hostile.ts'

const WIDTH = 80
/** A text is cut at 200 bytes; with its name, quotes and margin no line is longer than this. */
const LONGEST = 300

function check(lines: readonly string[]): void {
  for (const line of lines) {
    expect(line).not.toMatch(CONTROL)
    expect(line.length).toBeLessThan(LONGEST)
  }
}

const runs = { numRuns: 500 }

describe('no control character of the journal is in', () => {
  it('the story of a life', () => {
    fc.assert(
      fc.property(hostileLife, hostileText, (events, id) => {
        check(storyLines(id, lifeStory(events), WIDTH))
        // Without its beginning there are no states, and with it gone the texts are still theirs.
        check(storyLines(id, lifeStory(events.slice(1)), WIDTH))
      }),
      runs,
    )
  })

  it('any moment of it', () => {
    const chart = connectionChart()
    fc.assert(
      fc.property(hostileLife, (events) => {
        const story = lifeStory(events)
        for (const index of events.keys()) check(momentLines(story, index, chart, WIDTH))
      }),
      runs,
    )
  })

  it('its way through the statechart', () => {
    fc.assert(
      fc.property(hostileLife, hostileText, (events, id) => {
        check(storyToMermaid(id, lifeStory(events)).trimEnd().split('\n'))
      }),
      runs,
    )
  })

  it('its regression test, nor in the name of that', () => {
    fc.assert(
      fc.property(hostileLife, hostileText, fc.boolean(), (events, id, typed) => {
        const text = regressionTest(id, lifeStory(events), typed)
        for (const line of text.split('\n')) expect(line).not.toMatch(CONTROL)
        expect(testFileName(id)).toMatch(/^connection-[\w-]{0,40}\.test\.ts$/)
      }),
      runs,
    )
  })

  it('the table of connections', () => {
    const row = fc
      .tuple(hostileLife, hostileText, hostileText)
      .map(([events, id, path]): Listed => {
        const last = events.at(-1)
        const data = last?.type === 'ConnectionClosed' ? last.data : undefined
        return {
          connectionId: id,
          startedAtMs: 5,
          path,
          endedAtMs: 6,
          record: data?.record,
          inferred: data?.inferred ?? false,
        }
      })
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 4 }),
        fc.constantFrom(80, 150, Number.POSITIVE_INFINITY),
        (rows, width) => {
          const lines = connectionTable(rows, width)
          for (const line of lines) expect(line).not.toMatch(CONTROL)
        },
      ),
      runs,
    )
  })

  it('the report of a damage', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (stream, why) => {
        const none = {
          lives: 0,
          live: 0,
          events: 0,
          topics: 0,
          messages: 0,
          agreeing: 0,
          unfoldable: 0,
        }
        const damage = { stream, version: 3, why }
        const found = { ...none, damagedStreams: 12, damages: [damage, damage] }
        for (const line of reportLines('j.db', found, WIDTH)) expect(line).not.toMatch(CONTROL)
      }),
      runs,
    )
  })
})
