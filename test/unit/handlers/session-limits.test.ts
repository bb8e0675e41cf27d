import { describe, expect, it } from 'vitest'
import { topic, topics } from 'windsock'
import { harness } from 'windsock/testing'
import { SESSION_LIMITS } from '../../../src/handlers/session-limits.ts'

const list = [topic<string>('news', { history: { count: 1 } })]

describe('the limits of topics over WebSocket', () => {
  it.each(Object.entries(SESSION_LIMITS))('%s keeps to its range', (name, { min, max }) => {
    for (const value of [min, max]) {
      expect(() => topics('/topics', list, { [name]: value })).not.toThrow()
    }
    for (const value of [min - 1, max + 1, 1.5, Number.NaN, '7']) {
      expect(() => topics('/topics', list, { [name]: value })).toThrow(
        expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' }),
      )
    }
  })

  it('are told to a session when it begins', async () => {
    await using server = harness(topics('/topics', list, { maxSubscriptions: 3 }))
    const headers = { 'sec-websocket-protocol': 'windsock.v1.json' }
    const peer = await server.connect('/topics', { headers })
    await server.advance(10)
    expect(JSON.parse(String(peer.messages[0]))).toMatchObject({
      type: 'welcome',
      heartbeatMs: SESSION_LIMITS.heartbeatMs.default,
      limits: {
        frameBytes: SESSION_LIMITS.maxFrameBytes.default,
        subscriptions: 3,
        publishPerSecond: SESSION_LIMITS.maxPublishesPerSecond.default,
      },
    })
  })
})
