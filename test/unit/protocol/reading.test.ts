import { describe, expect, it } from 'vitest'
import { type Begun, Reading } from '../../../src/protocol/reading.ts'

const HERE = { epoch: 'e', offset: 5 }

const begun = (fields: Partial<Begun>): Begun => ({
  type: 'subscribed',
  id: 1,
  topic: 't',
  epoch: 'e',
  recovered: true,
  start: 5,
  ...fields,
})
const item = (offset: number, prev?: number) =>
  prev === undefined ? { offset, ts: 0 } : { offset, prev, ts: 0 }

describe('a subscription that begins', () => {
  it('is where a first reader begins, and no gap', () => {
    const reading = new Reading()
    expect(reading.position).toBeUndefined()
    expect(reading.begin(begun({ start: 3 }))).toBeUndefined()
    expect(reading.position).toEqual({ epoch: 'e', offset: 3 })
  })

  it('is no gap where it goes on from the last message or before it, and moves nothing', () => {
    for (const start of [5, 4]) {
      const reading = new Reading(HERE)
      expect(reading.begin(begun({ start }))).toBeUndefined()
      expect(reading.position).toEqual(HERE)
    }
  })

  it.each(['epoch', 'ahead', 'trimmed'] as const)(
    'hands on why something is lost: %s',
    (reason) => {
      const reading = new Reading(HERE)
      const to = { epoch: 'n', offset: 2 }
      const gap = reading.begin(begun({ epoch: 'n', start: 2, recovered: false, reason }))
      expect(gap).toEqual({ reason, from: HERE, to })
      expect(reading.position).toEqual(to)
    },
  )

  it('is a gap for a first reader, too, when the server says so', () => {
    const gap = new Reading().begin(begun({ start: 2, recovered: false, reason: 'trimmed' }))
    expect(gap).toEqual({ reason: 'trimmed', from: undefined, to: { epoch: 'e', offset: 2 } })
  })

  it('is a gap, too, when the server does not say why', () => {
    expect(new Reading().begin(begun({ recovered: false }))).toMatchObject({ reason: 'epoch' })
    expect(new Reading(HERE).begin(begun({ recovered: false }))).toMatchObject({
      reason: 'trimmed',
    })
  })

  it('is a gap where the server says it goes on, and does not', () => {
    expect(new Reading(HERE).begin(begun({ start: 6 }))).toMatchObject({ reason: 'trimmed' })
    expect(new Reading(HERE).begin(begun({ epoch: 'n' }))).toMatchObject({ reason: 'epoch' })
  })
})

describe('a message', () => {
  it('is left where nothing has begun', () => {
    expect(new Reading().take(item(1))).toBe('leave')
  })

  it('is taken once and in order, and is where the reader stands then', () => {
    const reading = new Reading(HERE)
    expect([6, 6, 5, 7].map((offset) => reading.take(item(offset)))).toEqual([
      'take',
      'leave',
      'leave',
      'take',
    ])
    expect(reading.position).toEqual({ epoch: 'e', offset: 7 })
  })

  it('is taken over a hole that the server says is none', () => {
    expect(new Reading(HERE).take(item(9, 5))).toBe('take')
  })

  it('makes the reader ask again when one before it is missing, and moves nothing', () => {
    const reading = new Reading(HERE)
    expect([reading.take(item(7)), reading.take(item(9, 6))]).toEqual([
      'resubscribe',
      'resubscribe',
    ])
    expect(reading.position).toEqual(HERE)
  })
})

describe('messages that will not come', () => {
  it('are a gap up to the offset that is named', () => {
    const reading = new Reading(HERE)
    const to = { epoch: 'e', offset: 8 }
    expect(reading.skip(8)).toEqual({ reason: 'trimmed', from: HERE, to })
    expect(reading.position).toEqual(to)
  })

  it('are none where they were here, or nothing has begun', () => {
    const reading = new Reading(HERE)
    expect([reading.skip(5), reading.skip(4), new Reading().skip(8)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(reading.position).toEqual(HERE)
  })
})

describe('a heartbeat', () => {
  it('says to connect again when the reader is behind twice with nothing in between', () => {
    const reading = new Reading(HERE)
    expect([reading.heartbeat(6), reading.heartbeat(6), reading.heartbeat(7)]).toEqual([
      false,
      true,
      true,
    ])
  })

  it('says nothing to a reader that goes on, however slowly', () => {
    const reading = new Reading(HERE)
    expect(reading.heartbeat(8)).toBe(false)
    reading.take(item(6))
    expect(reading.heartbeat(8)).toBe(false)
  })

  it('says nothing to one that has all, or that has not begun', () => {
    expect([new Reading(HERE).heartbeat(5), new Reading().heartbeat(5)]).toEqual([false, false])
  })

  it('counts anew once the reader had caught up, or has begun again', () => {
    const caughtUp = new Reading(HERE)
    expect([6, 5, 6].map((head) => caughtUp.heartbeat(head))).toEqual([false, false, false])
    const again = new Reading(HERE)
    again.heartbeat(6)
    again.begin(begun({}))
    expect(again.heartbeat(6)).toBe(false)
  })
})
