import { expect, it } from 'vitest'
import { isKnown } from '../../../src/protocol/entity-tag.ts'

it.each([
  [['"a"'], true],
  [['"b", "a"'], true],
  [['"b"', 'W/"a"'], true],
  [['*'], true],
  [['"b"'], false],
  [['a'], false],
  [[''], false],
  [[], false],
])('whoever has %j has "a": %s', (values, isSo) => {
  expect(isKnown(values, '"a"')).toBe(isSo)
})
