// Laws of those to whom a topic gives: whoever comes and goes, each gets all that is its own, in one order.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Sink, Sinks } from '../../src/streams/sinks.ts'
import { lawOf } from './support/law.ts'

/** More than are touched at once. */
const MANY = 150

type Move = { readonly comes: number } | { readonly leaves: number } | { readonly given: true }

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ comes: fc.integer({ min: 1, max: MANY }) }) },
  { weight: 4, arbitrary: fc.record({ leaves: fc.nat() }) },
  { weight: 3, arbitrary: fc.constant({ given: true as const }) },
)

/** What one does inside of what it is given, once. */
const deed = fc.record({ at: fc.nat(2 * MANY), moves: fc.array(move, { maxLength: 4 }) })

/** One that tells what it is given. */
class Member implements Sink<number> {
  readonly number: number
  readonly #tell: (member: Member, offset: number) => void
  touches = 0
  leave = () => {}

  constructor(number: number, tell: (member: Member, offset: number) => void) {
    this.number = number
    this.#tell = tell
  }

  touch(): number {
    return ++this.touches
  }

  send(_value: number, offset: number): void {
    this.#tell(this, offset)
  }
}

function playSinks(moves: readonly Move[], deeds: readonly { at: number; moves: Move[] }[]) {
  const sinks = new Sinks<number>()
  /** Those that are there, in the order in which they came. */
  let there: Member[] = []
  let offset = 0
  let came = 0
  let isGiving = false
  const done = new Set<object>()
  const got: string[] = []
  const expected: string[] = []

  const tell = (member: Member, given: number) => {
    got.push(`${member.number}:${given}`)
    expect([member.touches > 0, there.includes(member)]).toEqual([true, true])
    for (const one of deeds) {
      if (one.at !== member.number || done.has(one)) continue
      done.add(one)
      for (const each of one.moves) act(each)
    }
    if (member.number % 7 === 0) throw new Error('as some do')
  }
  const act = (one: Move) => {
    if ('comes' in one) {
      for (let count = 0; count < one.comes; count++) {
        const member = new Member(came++, tell)
        member.leave = sinks.add(member, offset)
        there.push(member)
      }
    } else if ('leaves' in one) {
      // A run of neighbours, so that most have gone now and then.
      const from = one.leaves % (there.length + 1)
      const gone = there.slice(from, from + (one.leaves % MANY))
      there = there.filter((member) => !gone.includes(member))
      for (const { leave } of [...gone, ...gone]) leave()
    } else if (!isGiving) give()
    expect(sinks.size).toBe(there.length)
    if (!isGiving) expect(sinks.places).toBeLessThanOrEqual(2 * there.length)
  }
  const give = () => {
    isGiving = true
    const before = [...there]
    offset++
    let threw = 0
    const from = got.length
    sinks.send(0, offset, { fail: () => threw++ })
    // Whoever was there before gets it in its turn, unless it has left by then.
    const numbers = got.slice(from)
    const mayGet = before.map(({ number }) => `${number}:${offset}`)
    expected.push(...mayGet.filter((one) => numbers.includes(one)))
    for (const { number } of there) {
      if (before.some((member) => member.number === number)) {
        expect(numbers).toContain(`${number}:${offset}`)
      }
    }
    expect(threw).toBe(numbers.filter((one) => Number.parseInt(one, 10) % 7 === 0).length)
    isGiving = false
  }
  for (const one of moves) act(one)
  return { got, expected }
}

describe('those to whom a topic gives', () => {
  lawOf(
    'get it once, in the order in which they came, whoever comes and goes meanwhile, and none that has left',
    fc.tuple(fc.array(move, { minLength: 3, maxLength: 14 }), fc.array(deed, { maxLength: 4 })),
    ([moves, deeds]) => {
      const { got, expected } = playSinks(moves, deeds)
      expect(got).toEqual(expected)
      return got.length > 0
    },
    300,
  )
})

it('one that has left inside of a delivery gets nothing more of it', () => {
  const sinks = new Sinks<string>()
  const seen: string[] = []
  sinks.add({ send: () => second() }, 0)
  const second = sinks.add({ send: (value) => seen.push(`second ${value}`) }, 0)
  sinks.add({ send: (value) => seen.push(`third ${value}`) }, 0)
  sinks.send('one', 1, { fail: () => expect.unreachable() })
  expect([seen, sinks.size]).toEqual([['third one'], 2])
})

it('many are touched before the first of them is given anything', () => {
  const sinks = new Sinks<string>()
  const seen: string[] = []
  for (const name of ['a', 'b', 'c']) {
    sinks.add({ touch: () => seen.push(`touch ${name}`), send: () => seen.push(`give ${name}`) }, 0)
  }
  sinks.send('one', 1, { fail: () => expect.unreachable() })
  expect(seen).toEqual(['touch a', 'touch b', 'touch c', 'give a', 'give b', 'give c'])
})

it('one whose touch throws is told of, and everybody gets what is theirs', () => {
  const sinks = new Sinks<string>()
  const seen: string[] = []
  const thrown: unknown[] = []
  const touch = () => {
    throw new Error('not here')
  }
  sinks.add({ touch, send: (value) => seen.push(`first ${value}`) }, 0)
  const leave = sinks.add({ send: (value) => seen.push(`second ${value}`) }, 0)
  sinks.send('one', 1, { fail: (error) => thrown.push(error) })
  leave()
  sinks.send('two', 2, { fail: (error) => thrown.push(error) })
  expect(seen).toEqual(['first one', 'second one', 'first two'])
  expect(thrown.map(String)).toEqual(['Error: not here', 'Error: not here'])
})
