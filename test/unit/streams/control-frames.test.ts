import { describe, expect, it } from 'vitest'
import { VirtualClock } from 'windsock/testing'
import { ControlFrames, pingPayload } from '../../../src/streams/control-frames.ts'

describe('counting', () => {
  it('allows so many in each window of 10 s', () => {
    const clock = new VirtualClock()
    const frames = new ControlFrames({ clock, limits: { maxControlFramesPer10s: 2 } })
    expect([frames.count(), frames.count(), frames.count()]).toEqual([true, true, false])
    clock.stall(9_999)
    expect(frames.count()).toBe(false)
    clock.stall(1)
    expect([frames.count(), frames.count(), frames.count()]).toEqual([true, true, false])
  })
})

describe('a pong', () => {
  const bytes = (...values: number[]) => Uint8Array.from(values)
  const make = () =>
    new ControlFrames({ clock: new VirtualClock(), limits: { maxControlFramesPer10s: 100 } })
  const isAnswer = (frames: ControlFrames, ...values: number[]) =>
    frames.answer(bytes(...values)) !== undefined

  it('answers a ping that was written, once, and tells how long that took', () => {
    const clock = new VirtualClock()
    const frames = new ControlFrames({ clock, limits: { maxControlFramesPer10s: 100 } })
    expect(isAnswer(frames)).toBe(false)
    frames.written(bytes(1))
    clock.stall(7)
    expect(frames.answer(bytes(1))).toEqual({ isProof: false, roundTripMs: 7 })
    expect(isAnswer(frames, 1)).toBe(false)
    for (const _ of [1, 2]) frames.written(bytes())
    expect([1, 2, 3].map(() => isAnswer(frames))).toEqual([true, true, false])
  })

  it('is known by its whole payload', () => {
    const frames = make()
    frames.written(bytes(2, 255))
    for (const wrong of [[], [2], [255], [2, 254], [2, 255, 0]]) {
      expect(isAnswer(frames, ...wrong)).toBe(false)
    }
    expect(isAnswer(frames, 2, 255)).toBe(true)
  })

  it('may answer an older ping; when a newer one is answered it comes too late', () => {
    const frames = make()
    for (const value of [1, 2, 3, 4]) frames.written(bytes(value))
    const answered = [2, 1, 3, 3, 4].map((value) => isAnswer(frames, value))
    expect(answered).toEqual([true, false, true, false, true])
  })

  it('answers a ping no more when a thousand newer ones wait, too', () => {
    const frames = make()
    const payload = (index: number) => [index >> 8, index & 255]
    frames.ask()
    for (let index = 0; index <= 1_000; index++) frames.written(bytes(...payload(index)))
    expect(isAnswer(frames, ...payload(0))).toBe(false)
    // What the keepalive waits for is the oldest that is left.
    expect(frames.answer(bytes(...payload(1)))?.isProof).toBe(true)
    expect(frames.answer(bytes(...payload(1_000)))?.isProof).toBe(false)
  })
})

describe('what the keepalive waits for', () => {
  const [early, asked, later] = [1, 2, 3].map((value) => Uint8Array.of(value)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  function asking() {
    const frames = new ControlFrames({
      clock: new VirtualClock(),
      limits: { maxControlFramesPer10s: 100 },
    })
    frames.written(early)
    frames.ask()
    frames.written(asked)
    frames.written(later)
    return frames
  }

  it('is the pong to the first ping that is written after it has asked, whoever sends that', () => {
    const frames = asking()
    expect([early, asked, later].map((ping) => frames.answer(ping)?.isProof)).toEqual([
      false,
      true,
      false,
    ])
  })

  it('or to one behind that, as a peer may answer the newest alone', () => {
    const frames = asking()
    expect(frames.answer(later)?.isProof).toBe(true)
    expect(frames.answer(asked)).toBeUndefined()
  })

  it('is nothing once it is excused, but those pongs are still asked for', () => {
    const frames = asking()
    expect([frames.excuse(), frames.excuse()]).toEqual([true, false])
    expect(frames.answer(later)).toMatchObject({ isProof: false })
    frames.ask()
    expect([frames.excuse(), frames.excuse()]).toEqual([true, false])
    frames.written(later)
    expect(frames.answer(later)).toMatchObject({ isProof: false })
  })
})

describe('the payload of a ping', () => {
  it('is UTF-8 of a string, or a copy of the bytes', () => {
    expect([...pingPayload('é')]).toEqual([0xc3, 0xa9])
    for (const data of [Uint8Array.of(1), Buffer.of(1)]) {
      const payload = pingPayload(data)
      data[0] = 2
      expect([...payload]).toEqual([1])
    }
    expect(pingPayload('x'.repeat(125))).toHaveLength(125)
  })

  it.each(['x'.repeat(126), new Uint8Array(126), 7, null, undefined])('is not %s', (data) => {
    expect(() => pingPayload(data as string)).toThrow(
      expect.objectContaining({ code: 'ERR_WINDSOCK_CONTROL_PAYLOAD' }),
    )
  })

  it.each<[string, unknown, RegExp]>([
    ['how many bytes it has', new Uint8Array(126), /this has 126$/],
    ['that it is nothing', null, /this is null$/],
    ['what it is', { byteLength: 7 }, /this is an object$/],
  ])('says in its error %s', (_what, data, says) => {
    expect(() => pingPayload(data as string)).toThrow(says)
  })
})
