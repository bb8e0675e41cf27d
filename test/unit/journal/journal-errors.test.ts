// Whom a journal tells when its store refuses, and what comes of that.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { VirtualClock } from 'windsock/testing'
import { Journal } from '../../../src/journal/journal.ts'
import { MemoryStore } from '../../../src/journal/memory-store.ts'
import { JournalError } from '../../../src/protocol/errors.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'

const escaped: unknown[] = []
const note = (thrown: unknown) => escaped.push(thrown)
beforeEach(() => void process.on('unhandledRejection', note))
afterEach(() => void process.off('unhandledRejection', note))

it.each([
  [
    'throws',
    () => {
      throw new Error('broken')
    },
  ],
  ['rejects', () => Promise.reject(new Error('broken'))],
])('an onError that %s hurts nobody', async (_, fail) => {
  class Full extends MemoryStore {
    override appendNow = () => {
      throw new JournalError('ERR_WINDSOCK_JOURNAL', 'the disk is full')
    }
  }
  const told: string[] = []
  const onError = ({ code }: { readonly code: string }): unknown => {
    told.push(code)
    return fail()
  }
  const clock = new VirtualClock()
  const journal = new Journal(new Full(seededRandom(1)), clock, { onError })
  const recorder = journal.recorder('lifecycle', { path: '/', origin: null, ownMachine: false })
  recorder?.machineReplaced()
  expect(await journal.life('nobody')).toEqual([])
  await nextTurn()
  expect(told).toEqual(['ERR_WINDSOCK_JOURNAL'])
  expect([journal.unrecorded, escaped]).toEqual([1, []])
})
