import { describe, expect, it } from 'vitest'
import { SLAB_BYTES, Slab } from '../../../src/transport/slab.ts'

describe('a slab', () => {
  it('has what is taken side by side', () => {
    const slab = new Slab()
    expect([slab.take(10), slab.take(20), slab.take(1)]).toEqual([0, 10, 30])
  })

  it('has the next one where what was given back stood, if that was the last', () => {
    const slab = new Slab()
    const first = slab.take(10)
    const second = slab.take(20)
    slab.giveBack(slab.bytes, first, first + 10)
    expect(slab.take(5)).toBe(30)
    slab.giveBack(slab.bytes, second, second + 20)
    expect(slab.take(5)).toBe(35)
    slab.giveBack(slab.bytes, second, 40)
    expect(slab.take(5)).toBe(second)
  })

  it('is followed by another one when it is full, to which nothing of the first is given back', () => {
    const slab = new Slab()
    const { bytes } = slab
    slab.take(SLAB_BYTES - 1)
    slab.take(1)
    expect(slab.bytes === bytes).toBe(true)
    expect(slab.take(SLAB_BYTES)).toBe(0)
    expect(slab.bytes === bytes).toBe(false)
    slab.giveBack(bytes, 0, SLAB_BYTES)
    expect(slab.take(1)).toBe(0)
    const another = slab.bytes
    slab.giveBack(bytes, 0, 1)
    expect([slab.take(1), slab.bytes === another]).toEqual([1, true])
  })
})
