import { describe, expect, it } from 'vitest'
import { isDeeper } from '../../../src/protocol/json-depth.ts'

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

describe('the depth of a JSON text', () => {
  it('is how many arrays and objects are open at once', () => {
    expect(isDeeper(nested(64), 64)).toBe(false)
    expect(isDeeper(nested(65), 64)).toBe(true)
    expect(isDeeper('[{},{},[1,{}]]', 3)).toBe(false)
    expect(isDeeper('[{},{},[1,{}]]', 2)).toBe(true)
  })

  it('knows no brackets in a string, and no end of it at a quote that is escaped', () => {
    expect(isDeeper('["[[[[", "\\"[[[[", "\\\\", 1]', 1)).toBe(false)
    expect(isDeeper('["\\\\", [[1]]]', 2)).toBe(true)
  })

  it('is counted also where the brackets do not match', () => {
    expect(isDeeper(']]]]', 1)).toBe(false)
    expect(isDeeper('[[[', 2)).toBe(true)
  })
})
