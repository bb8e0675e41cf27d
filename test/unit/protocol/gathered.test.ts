import { describe, expect, it } from 'vitest'
import { Gathered } from '../../../src/protocol/gathered.ts'

describe('gathered bytes', () => {
  it('are none before the first piece', () => {
    const gathered = new Gathered()
    expect([gathered.length, gathered.bytes]).toEqual([0, new Uint8Array()])
  })

  it('are all that came, in order, however they were cut', () => {
    const gathered = new Gathered()
    const all = Uint8Array.from({ length: 5_000 }, (_, index) => index % 251)
    for (let at = 0; at < all.length; at += 7) gathered.push(all.subarray(at, at + 7))
    expect(gathered.length).toBe(all.length)
    expect(gathered.bytes).toEqual(all)
  })

  it('take one piece of memory, no more than twice their length once there is a KiB of them', () => {
    const gathered = new Gathered()
    for (let count = 0; count < 3_000; count++) gathered.push(Uint8Array.of(1))
    expect(gathered.bytes.buffer.byteLength).toBeLessThanOrEqual(6_000)
    gathered.push(new Uint8Array(1_000_000))
    expect(gathered.bytes.buffer.byteLength).toBe(1_003_000)
  })
})
