// The way through the statechart: what was passed, what was taken, and where on the picture it stands.

import { describe, expect, it } from 'vitest'
import type { LifeEvent } from 'windsock'
import { chartToMermaid } from '../../../src/cli/mermaid.ts'
import { connectionChart, pathOf, storyToMermaid } from '../../../src/cli/replay-path.ts'
import { lifeStory } from '../../../src/journal/life-story.ts'
import { wholeLife } from '../journal/support/lives.ts'

const chart = connectionChart()
const fired = (timer: string): LifeEvent => ({
  type: 'TimerFired',
  data: { timer: `xstate.after.${timer}` },
})
const BYE: LifeEvent = { type: 'PeerClosed', data: { frame: { code: 1000, reason: '' } } }
const PONG: LifeEvent = { type: 'PongReceived', data: {} }
const PING = fired('pingInterval.connection.open.alive')

function picture(middle: readonly LifeEvent[]): string[] {
  return storyToMermaid('a', lifeStory(wholeLife(middle)))
    .split('\n')
    .map((line) => line.trim())
}

describe('a life in the picture', () => {
  it('has the numbers of its events beside what they took', () => {
    const lines = picture([
      PING,
      fired('pingTimeout.connection.open.awaitingPong'),
      fired('pongGrace.connection.open.overdue'),
      BYE,
    ])
    expect(lines).toContain('handshaking --> opening : (2) handshake.accepted → upgrade')
    expect(lines).toContain('opening --> open : (3) open.finished')
    expect(lines).toContain('alive --> awaitingPong : (4) after pingInterval → sendPing')
    expect(lines).toContain('awaitingPong --> overdue : (5) after pingTimeout')
    expect(lines).toContain('overdue --> closing : (6) after pongGrace → sendClose')
    expect(lines).toContain('closing : (7) peer.closed')
    expect(lines).toContain('closing --> closed : (8) transport.ended')
    expect(lines).toContain('class handshaking,opening,alive,awaitingPong,overdue,closing passed')
    expect(lines).toContain('class closed last')
    // Nothing else was taken.
    expect(lines.filter((line) => line.includes(': (')).length).toBe(7)
  })

  it('marks one of several labels of an arrow, and the arrow from where it was', () => {
    const lines = picture([
      { type: 'InputPaused', data: {} },
      { type: 'InputResumed', data: {} },
      BYE,
    ])
    expect(lines).toContain('alive --> paused : (4) input.paused')
    expect(lines).toContain('awaitingPong --> paused : input.paused')
    expect(lines).toContain('paused --> alive : (5) input.resumed')
    expect(lines.find((line) => line.startsWith('open --> closing'))).toContain(
      '<br/>(6) peer.closed<br/>',
    )
  })

  it('counts heartbeats, and does not list more than a few events', () => {
    const many = Array.from({ length: 9 }, () => [PING, PONG]).flat()
    const heartbeats: LifeEvent = { type: 'HeartbeatsPassed', data: { pings: 120 } }
    expect(picture([heartbeats, BYE])).toContain('awaitingPong --> alive : (4 ×120) pong.received')
    expect(picture(many)).toContain(
      'awaitingPong --> alive : (5, 7, 9, 11, 13, 15, …) pong.received',
    )
  })

  it('takes nothing for an event that changed nothing', () => {
    const { taken } = pathOf(
      chart,
      lifeStory(wholeLife([PONG, { type: 'InputResumed', data: {} }])),
    )
    expect([...taken.values()]).toEqual(['2', '3', '6'])
  })

  it('is the plain picture, with marks and colours', () => {
    const plain = chartToMermaid(chart, 'x').split('\n').slice(1)
    const marked = picture([BYE]).map((line) => line.replace(/\([^)]*\) /g, ''))
    expect(marked.filter((line) => !/^(%% The life|class|classDef) ?/.test(line))).toEqual(
      plain.map((line) => line.trim()),
    )
  })
})
