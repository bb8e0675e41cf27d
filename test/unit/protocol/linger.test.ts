import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from 'windsock/testing'
import { LINGER_BYTES, LINGER_MS, linger } from '../../../src/protocol/linger.ts'

class Rest extends EventEmitter {
  readableEnded = false
  destroyed = false
  reading = false

  resume() {
    this.reading = true
  }
}

function lingering(forMs?: number, rest = new Rest()) {
  const clock = new VirtualClock()
  let told: boolean | undefined
  void linger(rest, clock, forMs).then((isWhole) => {
    told = isWhole
  })
  const isDone = async () => {
    await clock.settle()
    return told
  }
  return { clock, rest, isDone }
}

describe('what comes behind an answer', () => {
  it('is read to its end', async () => {
    const { clock, rest, isDone } = lingering()
    expect(rest.reading).toBe(true)
    rest.emit('data', new Uint8Array(LINGER_BYTES))
    expect(await isDone()).toBeUndefined()
    rest.emit('end')
    expect(await isDone()).toBe(true)
    expect([clock.timerCount, rest.eventNames()]).toEqual([0, []])
  })

  it('is cut off when it is too much', async () => {
    const { clock, rest, isDone } = lingering()
    rest.emit('data', new Uint8Array(LINGER_BYTES))
    rest.emit('data', new Uint8Array(1))
    expect(await isDone()).toBe(false)
    expect([clock.timerCount, rest.eventNames()]).toEqual([0, []])
  })

  it.each([
    [undefined, LINGER_MS],
    [70, 70],
  ])('is cut off when it takes too long, however it trickles: %s', async (forMs, boundMs) => {
    const { clock, rest, isDone } = lingering(forMs)
    await clock.advance(boundMs - 1)
    rest.emit('data', new Uint8Array(1))
    expect(await isDone()).toBeUndefined()
    await clock.advance(1)
    expect(await isDone()).toBe(false)
    expect(rest.eventNames()).toEqual([])
  })

  it('is over with the peer', async () => {
    const { clock, rest, isDone } = lingering()
    rest.emit('close')
    expect([await isDone(), clock.timerCount]).toEqual([false, 0])
  })

  it('is not waited for when it has ended before', async () => {
    const ended = lingering(70, Object.assign(new Rest(), { readableEnded: true, destroyed: true }))
    const gone = lingering(70, Object.assign(new Rest(), { destroyed: true }))
    expect([await ended.isDone(), await gone.isDone()]).toEqual([true, false])
    expect([ended.clock.timerCount, gone.clock.timerCount]).toEqual([0, 0])
  })
})
