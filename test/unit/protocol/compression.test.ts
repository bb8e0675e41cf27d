import { describe, expect, it } from 'vitest'
import { type Compression, checkCompression } from '../../../src/protocol/compression.ts'

describe('the setting `compression`', () => {
  it.each<[Compression]>([
    [true],
    [false],
    [{}],
    [{ level: 0 }],
    [{ level: 9, memLevel: 1, thresholdBytes: 0 }],
    [{ memLevel: 9, thresholdBytes: 2 ** 31 - 1 }],
  ])('may be %j', (compression) => {
    expect(checkCompression(compression)).toBe(compression)
  })

  it.each([
    ['yes'],
    [null],
    [{ level: -1 }],
    [{ level: 10 }],
    [{ level: 1.5 }],
    [{ memLevel: 0 }],
    [{ memLevel: 10 }],
    [{ thresholdBytes: -1 }],
    [{ thresholdBytes: 2 ** 31 }],
    [{ lvl: 1 }],
  ])('may not be %j', (compression) => {
    expect(() => checkCompression(compression as Compression)).toThrow(
      expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }),
    )
  })
})
