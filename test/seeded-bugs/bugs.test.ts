// Seeded bugs: the list that `npm run test:bugs` works through still fits the sources.

import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

interface Bug {
  readonly file: string
  readonly from: string
  readonly to: string
  readonly breaks: string
  /** Which of `test/property` finds it, where the simulation does not. */
  readonly property?: string
}

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const bugs = JSON.parse(read('test/seeded-bugs/bugs.json')) as readonly Bug[]

describe('a seeded bug', () => {
  it('stands in exactly one place of the sources, and changes it', () => {
    const stale = bugs.filter(
      ({ file, from, to }) => read(file).split(from).length !== 2 || from === to,
    )
    expect(stale).toEqual([])
  })

  it('names a property that is there, where it names one', () => {
    const named = bugs.flatMap(({ property }) => property ?? [])
    const there = (name: string) =>
      existsSync(new URL(`../property/${name}.property.test.ts`, import.meta.url))
    expect(named.filter((name) => !there(name))).toEqual([])
  })

  it('is there once', () => {
    const all = bugs.map(({ file, from, to }) => `${file} ${from} ${to}`)
    expect(new Set(all).size).toBe(all.length)
    expect(bugs.length).toBeGreaterThanOrEqual(60)
  })
})
