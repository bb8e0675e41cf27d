// Tally: what happened in populations, counted; printed as a table at the end of a long run.

import type { Finding, Verdict } from './checker.ts'
import { WAYS, type Way } from './place.ts'

export class Tally {
  populations = 0
  readers = 0
  cuts = 0
  restarts = 0
  trims = 0
  gaps = 0
  /** Of the gaps, those that came while a reader was reading. */
  gapsInStream = 0
  taken = 0
  published = 0
  /** Publishes sent again, and of those the ones that had been kept already. */
  resent = 0
  duplicates = 0
  lost = 0
  repeated = 0
  /** Findings of any other kind. */
  wrong = 0
  /** By the way in which a reader had got to its place, and the one in which it came back. */
  readonly #resumes = new Map<string, number>()

  get resumes(): number {
    return WAYS.reduce((sum, way) => sum + this.resumesBy(way), 0)
  }

  resumesBy(way: Way): number {
    return WAYS.reduce((sum, from) => sum + this.resumesFrom(from, way), 0)
  }

  resumesFrom(from: Way, to: Way): number {
    return this.#resumes.get(`${from} ${to}`) ?? 0
  }

  /** Counts in one reader. */
  add({ taken, gaps, gapsInStream, resumes }: Verdict): void {
    this.readers++
    this.taken += taken
    this.gaps += gaps
    this.gapsInStream += gapsInStream
    for (const [from, to] of resumes) this.#count(`${from} ${to}`, 1)
  }

  found(findings: readonly Finding[]): void {
    for (const { kind, count } of findings) {
      if (kind === 'lost') this.lost += count
      else if (kind === 'repeated') this.repeated += count
      else this.wrong += count
    }
  }

  /** Counts in another tally. */
  plus(other: Tally): void {
    for (const name of COUNTED) this[name] += other[name]
    for (const [which, count] of other.#resumes) this.#count(which, count)
  }

  /** Lines for a person. */
  toString(): string {
    const wide = (value: number | string) => String(value).padStart(18)
    const say = (value: number) => wide(value.toLocaleString('en'))
    const rows = WAYS.map((to) => [
      to.padEnd(14),
      ...WAYS.map((from) => say(this.resumesFrom(from, to))),
      say(this.resumesBy(to)),
    ])
    const head = ['resumed by    ', ...WAYS.map((from) => wide(`after ${from}`))]
    const counted = COUNTED.map((name) => `${TELL[name].padEnd(24)}${say(this[name])}`)
    const table = [[...head, wide('in all')], ...rows].map((row) => row.join(' ').trimEnd())
    return [...table, '', ...counted].join('\n')
  }

  #count(which: string, by: number): void {
    this.#resumes.set(which, (this.#resumes.get(which) ?? 0) + by)
  }
}

const TELL = {
  populations: 'populations',
  readers: 'readers',
  cuts: 'links cut',
  restarts: 'server restarts',
  trims: 'trims',
  published: 'messages published',
  resent: 'publishes sent again',
  duplicates: 'known by their key',
  taken: 'messages taken',
  gaps: 'gaps announced',
  gapsInStream: 'of them in the middle',
  lost: 'lost',
  repeated: 'repeated',
  wrong: 'otherwise wrong',
} as const

const COUNTED = Object.keys(TELL) as (keyof typeof TELL)[]
