// The table of attacks: each class has a row, each row tests, and each of these tests is there under its name.

import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const ROOT = new URL('../', import.meta.url)
const CLASSES = 41

const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8')

interface Row {
  readonly name: string
  readonly tests: readonly { readonly path: string; readonly title: string }[]
}

const rows: readonly Row[] = read('docs/explanation/attacks.md')
  .split('\n')
  .filter((line) => /^\| R\d+ /.test(line))
  .map((line) => ({
    name: /R\d+/.exec(line)?.[0] ?? '',
    tests: [...line.matchAll(/`(test\/[^`]+)`: “([^”]+)”/g)].map(([, path = '', title = '']) => {
      return { path, title }
    }),
  }))

describe('the table of attacks', () => {
  it('has a row for every class, with a test at least', () => {
    const names = Array.from({ length: CLASSES }, (_, index) => `R${index + 1}`)
    expect(rows.map(({ name }) => name)).toEqual(names)
    expect(rows.filter(({ tests }) => tests.length === 0)).toEqual([])
  })

  it.each(rows)('names tests that are there: $name', ({ tests }) => {
    for (const { path, title } of tests) {
      expect(existsSync(new URL(path, ROOT)), path).toBe(true)
      expect(read(path), path).toContain(title)
    }
  })
})

describe('ws', () => {
  it('is asked for in no version with a hole that is known', () => {
    const { dependencies } = JSON.parse(read('package.json')) as {
      readonly dependencies: Readonly<Record<string, string>>
    }
    // 8.21 and 8.22 let pieces of a message hold more than the message.
    const [, major, minor] = /^\^(\d+)\.(\d+)\.\d+$/.exec(dependencies['ws'] ?? '') ?? []
    expect([Number(major), Number(minor) >= 23]).toEqual([8, true])
  })
})
