// Results on their way between the threads: packed, and as they were again.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { CallResult } from '../../../src/journal/sqlite-calls.ts'
import { packed, unpacked } from '../../../src/journal/sqlite-results.ts'
import { lawOf } from '../../property/support/law.ts'

/** Answers to appends, some of which follow the one before, and to other calls. */
const results = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        epoch: fc.constantFrom('a', 'b'),
        head: fc.integer({ min: 1, max: 6 }),
        floor: fc.constantFrom(0, 1),
        versions: fc.array(fc.record({ version: fc.nat(6), duplicate: fc.boolean() }), {
          maxLength: 2,
        }),
      }),
    },
    { weight: 1, arbitrary: fc.constantFrom(undefined, null, 7, [], ['x'], { kept: 'x' }) },
    { weight: 1, arbitrary: fc.constant('failure' as const) },
  ),
  { maxLength: 30 },
)

function resultOf(drawn: unknown): CallResult {
  if (drawn === 'failure') return { failure: { code: 'ERR_WINDSOCK_JOURNAL', message: 'no' } }
  if (drawn === null || typeof drawn !== 'object' || !('versions' in drawn)) return { value: drawn }
  const { versions: kept, ...position } = drawn
  return { value: { ...position, kept } }
}

const kept = (head: number, version = head, duplicate = false): CallResult => ({
  value: { epoch: 'a', head, floor: 0, kept: [{ version, duplicate }] },
})

lawOf('what was packed is unpacked as it was, whatever it is', results, (drawn) => {
  const all = drawn.map(resultOf)
  expect([...unpacked(packed(all))]).toEqual(all)
})

lawOf(
  'events that were kept one behind the other are one run',
  fc.tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 500 })),
  ([first, count]) => {
    const all = Array.from({ length: count }, (_, index) => kept(first + index))
    const runs = packed(all)
    expect(runs).toHaveLength(1)
    expect([...unpacked(runs)]).toEqual(all)
  },
)

it('a duplicate, another epoch and a version that is not the next begin a run of their own', () => {
  const all = [kept(1), kept(1, 1, true), kept(2), kept(4), kept(5)]
  expect(packed(all).map(({ count }) => count)).toEqual([1, 1, 1, 2])
  expect([...unpacked(packed(all))]).toEqual(all)
})
