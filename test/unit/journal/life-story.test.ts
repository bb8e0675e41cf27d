// The story of a life: its steps, or why there are none.

import { describe, expect, it } from 'vitest'
import { lifeStory, stateName } from '../../../src/journal/life-story.ts'
import { connectionMachine } from '../../../src/machines/connection.ts'
import { recorded, startedEvent, wholeLife } from './support/lives.ts'

const BYE = { type: 'PeerClosed', data: { frame: { code: 1000, reason: 'bye' } } } as const

describe('the story of a life', () => {
  it('has a step for each event: when, from where, to where, and what was asked for', () => {
    const { steps, started, closed, unfoldable, record } = lifeStory(wholeLife([BYE]))
    expect(
      steps.map(({ before, after }) => [before && stateName(before), after && stateName(after)]),
    ).toEqual([
      [undefined, 'connecting.handshaking'],
      ['connecting.handshaking', 'connecting.opening'],
      ['connecting.opening', 'open.alive'],
      ['open.alive', 'closing'],
      ['closing', 'closed'],
    ])
    expect(steps.map(({ sinceStartMs }) => sinceStartMs)).toEqual([0, 1_000, 2_000, 3_000, 4_000])
    expect(steps.map(({ sincePreviousMs }) => sincePreviousMs)).toEqual([
      0, 1_000, 1_000, 1_000, 1_000,
    ])
    expect(steps[1]?.effects.map(({ type }) => type)).toEqual([
      'disarmTimer',
      'upgrade',
      'callOpen',
      'armTimer',
    ])
    expect(started?.path).toBe('/chat')
    expect(unfoldable).toBeUndefined()
    expect(record).toEqual(closed?.record)
  })

  it('of one that lives has no record', () => {
    const { steps, closed, record } = lifeStory(recorded([startedEvent()]))
    expect([steps.length, closed, record]).toEqual([1, undefined, undefined])
  })

  it.each([
    ['beginningGone', wholeLife([BYE]).slice(2)],
    ['unrecorded', wholeLife([BYE], {}, { unrecorded: 3 })],
    ['ownMachine', wholeLife([BYE], { ownMachine: true })],
  ])('without states says why: %s', (why, events) => {
    const { steps, unfoldable, record } = lifeStory(events)
    expect(unfoldable).toBe(why)
    expect(record).toBeUndefined()
    expect(steps.map(({ event }) => event)).toEqual(events)
    expect(steps.every(({ after, effects }) => after === undefined && effects.length === 0)).toBe(
      true,
    )
  })

  it('takes the machine that the route ran', () => {
    const events = wholeLife([BYE], { ownMachine: true })
    const machine = connectionMachine.provide({ delays: { pingInterval: 7 } })
    const { steps, unfoldable, record } = lifeStory(events, machine)
    expect(unfoldable).toBeUndefined()
    expect(steps[2]?.effects).toContainEqual(
      expect.objectContaining({ type: 'armTimer', delayMs: 7 }),
    )
    expect(record?.cause).toBe('peerClosed')
  })

  it('is empty for no events', () => {
    expect(lifeStory([])).toMatchObject({ steps: [], unfoldable: 'beginningGone' })
  })
})
