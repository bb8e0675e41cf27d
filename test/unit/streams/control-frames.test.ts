import { describe, expect, it } from 'vitest'
import { VirtualClock } from 'windsock/testing'
import { ControlFrames, pingPayload } from '../../../src/streams/control-frames.ts'

describe('counting', () => {
  it('allows so many in each window of 10 s', () => {
    const clock = new VirtualClock()
    const frames = new ControlFrames(clock, 2)
    expect([frames.count(), frames.count(), frames.count()]).toEqual([true, true, false])
    clock.stall(9_999)
    expect(frames.count()).toBe(false)
    clock.stall(1)
    expect([frames.count(), frames.count(), frames.count()]).toEqual([true, true, false])
  })
})

describe('a pong that a ping asked for', () => {
  const bytes = (...values: number[]) => Uint8Array.from(values)
  /** Takes no ping, and no pong but those that were asked for. */
  const strict = () => new ControlFrames(new VirtualClock(), 0)

  it('does not count, once for each ping', () => {
    const frames = strict()
    frames.written(bytes(1))
    expect([frames.countPong(bytes(1)), frames.countPong(bytes(1))]).toEqual([true, false])
    for (const _ of [1, 2]) frames.written(bytes())
    expect([1, 2, 3].map(() => frames.countPong(bytes()))).toEqual([true, true, false])
  })

  it('is known by its whole payload', () => {
    const frames = strict()
    frames.written(bytes(2, 255))
    for (const wrong of [[], [2], [255], [2, 254], [2, 255, 0]]) {
      expect(frames.countPong(bytes(...wrong))).toBe(false)
    }
    expect(frames.countPong(bytes(2, 255))).toBe(true)
  })

  it('may be that of an older ping; when a newer one is answered it comes too late', () => {
    const frames = strict()
    for (const value of [1, 2, 3, 4]) frames.written(bytes(value))
    const answered = [2, 1, 3, 3, 4].map((value) => frames.countPong(bytes(value)))
    expect(answered).toEqual([true, false, true, false, true])
  })

  it('does not count either when the keepalive needs it no more', () => {
    const frames = strict()
    frames.sent('keepalive', bytes(1))
    frames.written(bytes(1))
    expect(frames.excuse()).toBe(true)
    expect(frames.countPong(bytes(1))).toBe(true)
  })

  it('is forgotten when a thousand newer pings wait, too', () => {
    const frames = strict()
    const payload = (index: number) => bytes(index >> 8, index & 255)
    for (let index = 0; index <= 1_000; index++) frames.written(payload(index))
    const taken = [0, 1, 2, 1_000].map((index) => frames.countPong(payload(index)))
    expect(taken).toEqual([false, true, true, true])
  })
})

describe('which pong answers which ping', () => {
  it('tells the sender and the time of the round trip, once', () => {
    const clock = new VirtualClock()
    const frames = new ControlFrames(clock, 100)
    frames.sent('keepalive', Uint8Array.of(1))
    frames.sent('app', Uint8Array.of(2))
    clock.stall(7)
    expect(frames.answer(Uint8Array.of(2))).toEqual({ sender: 'app', roundTripMs: 7 })
    expect(frames.answer(Uint8Array.of(2))).toBeUndefined()
    expect(frames.answer(Uint8Array.of(1))).toEqual({ sender: 'keepalive', roundTripMs: 7 })
  })

  it('knows only the newest ping of each sender, and no other payload', () => {
    const frames = new ControlFrames(new VirtualClock(), 100)
    expect(frames.answer(new Uint8Array())).toBeUndefined()
    frames.sent('app', Uint8Array.of(1))
    frames.sent('app', Uint8Array.of(2, 3))
    for (const wrong of [[1], [2], [2, 4], [2, 3, 4]]) {
      expect(frames.answer(Uint8Array.from(wrong))).toBeUndefined()
    }
    expect(frames.answer(Uint8Array.of(2, 3))?.sender).toBe('app')
  })
})

describe('the payload of a ping', () => {
  it('is UTF-8 of a string, or a copy of the bytes', () => {
    expect([...pingPayload('é')]).toEqual([0xc3, 0xa9])
    const data = Uint8Array.of(1)
    const payload = pingPayload(data)
    data[0] = 2
    expect([...payload]).toEqual([1])
    expect(pingPayload('x'.repeat(125))).toHaveLength(125)
  })

  it.each(['x'.repeat(126), new Uint8Array(126), 7, null, undefined])('is not %s', (data) => {
    expect(() => pingPayload(data as string)).toThrow(
      expect.objectContaining({ code: 'ERR_WINDSOCK_CONTROL_PAYLOAD' }),
    )
  })
})
