// The socket side of a request for a topic, on a socket that is not there.

import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from 'windsock/testing'
import { LINGER_MS, lastAnswered } from '../../../src/protocol/linger.ts'
import { HttpExchange } from '../../../src/transport/http-exchange.ts'
import { type Events, line } from '../../../src/transport/topic-answer.ts'

class FakeResponse extends EventEmitter {
  status: number | undefined
  headers: Record<string, unknown> = {}
  written: string[] = []
  ended = false
  destroyed = false
  takes = true
  headersSent = false

  get writableEnded() {
    return this.ended
  }
  writeHead(status: number, headers: Record<string, unknown>) {
    if (this.headersSent) throw new Error('headers are sent')
    for (const value of Object.values(headers).flat()) {
      if (/[\r\n]/.test(String(value))) throw new TypeError('invalid character')
    }
    this.status = status
    this.headers = headers
    this.headersSent = true
  }
  flushHeaders() {}
  write(piece: string) {
    this.written.push(piece)
    return this.takes
  }
  end(body?: string) {
    if (body !== undefined) this.written.push(body)
    this.ended = true
  }
  destroy() {
    this.destroyed = true
    this.emit('close')
  }
}

class FakeRequest extends EventEmitter {
  readonly socket: EventEmitter & { destroyed: boolean }
  readonly headers: Record<string, string> = {}
  readableEnded = false
  complete = true
  paused = false

  constructor(socket = Object.assign(new EventEmitter(), { destroyed: false })) {
    super()
    this.socket = socket
  }
  pause() {
    this.paused = true
  }
  resume() {
    this.paused = false
  }
}

function setUp(request = new FakeRequest()) {
  const clock = new VirtualClock()
  const response = new FakeResponse()
  const errors: unknown[] = []
  const exchange = new HttpExchange(
    request as unknown as IncomingMessage,
    response as unknown as ServerResponse,
    { clock, stallTimeoutMs: 1_000, onError: (thrown) => errors.push(thrown) },
  )
  return { clock, request, response, exchange, errors }
}

function counting(last: number): Events & { asked: number } {
  const events = {
    asked: 0,
    next: async () => {
      events.asked++
      return events.isOver ? undefined : `${events.asked}`
    },
    get isOver() {
      return events.asked > last
    },
  }
  return events
}

describe('an answer', () => {
  it('is written with its length, and its client is gone when it has been taken', () => {
    const { clock, response, exchange } = setUp()
    void exchange.finish(line(404, 'é', { Vary: ['a', 'b'] }))
    expect([response.status, response.written, response.ended]).toEqual([404, ['é\n'], true])
    expect(response.headers).toMatchObject({ 'Content-Length': '3', Vary: ['a', 'b'] })
    expect(response.headers).not.toHaveProperty('Connection')
    expect(exchange.lifeline.ended).toBeUndefined()
    response.emit('close')
    expect([exchange.lifeline.ended, clock.timerCount]).toEqual(['gone', 0])
  })

  it('that cannot be written becomes 500, and the program is told', () => {
    const { response, exchange, errors } = setUp()
    void exchange.finish(line(401, 'who?', { 'X-Mine': 'a\r\nb' }))
    expect(response.status).toBe(500)
    expect(errors).toHaveLength(1)
  })

  it('that somebody else has begun is cut off, and the program is told', async () => {
    const { clock, response, exchange, errors } = setUp()
    response.headersSent = true
    await exchange.finish(line(200, 'ours'))
    expect([response.destroyed, response.written, clock.timerCount]).toEqual([true, [], 0])
    expect(errors).toMatchObject([{ code: 'ERR_WINDSOCK_RESPONSE', fault: 'bug' }])
  })

  it('that somebody else has given whole goes to its client, which is cut off if it takes nothing', async () => {
    const { clock, response, exchange, errors } = setUp()
    response.headersSent = true
    response.end('theirs')
    await exchange.finish(line(200, 'ours'))
    expect([response.destroyed, response.written, errors]).toEqual([false, ['theirs'], []])
    await clock.advance(1_000)
    expect([response.destroyed, clock.timerCount]).toEqual([true, 0])
  })

  it('is the last on its connection when the request has not come whole, or the server drains', () => {
    const half = setUp()
    half.request.complete = false
    void half.exchange.finish(line(413, 'too large'))
    expect(half.response.headers).toMatchObject({ Connection: 'close' })
    expect(lastAnswered.has(half.request.socket)).toBe(true)
    const draining = setUp()
    draining.exchange.drain()
    void draining.exchange.finish(line(503, 'later'))
    expect(draining.response.headers).toMatchObject({ Connection: 'close' })
  })

  it('before the end of its request is there at once, and ends behind it', async () => {
    const { clock, request, response, exchange } = setUp()
    request.complete = false
    request.pause()
    void exchange.finish(line(413, 'too large'))
    expect([response.written, response.ended, request.paused]).toEqual([
      ['too large\n'],
      false,
      false,
    ])
    request.emit('end')
    await clock.settle()
    expect([response.ended, response.destroyed]).toEqual([true, false])
    response.emit('close')
    expect(clock.timerCount).toBe(0)
  })

  it('before the end of a request leaves nothing when its client goes with that end', async () => {
    const { clock, request, response, exchange } = setUp()
    request.complete = false
    void exchange.finish(line(413, 'too large'))
    request.emit('end')
    response.emit('close')
    await clock.settle()
    expect([exchange.lifeline.ended, clock.timerCount]).toEqual(['gone', 0])
  })

  it('before the end of a request that never ends is cut off, and counts until then', async () => {
    const { clock, request, response, exchange } = setUp()
    request.complete = false
    void exchange.finish(line(413, 'too large'))
    await clock.advance(LINGER_MS - 1)
    expect([response.destroyed, exchange.lifeline.ended]).toEqual([false, undefined])
    await clock.advance(1)
    expect([response.destroyed, exchange.lifeline.ended]).toEqual([true, 'gone'])
    expect(clock.timerCount).toBe(0)
  })

  it('that is not taken for too long is cut off', async () => {
    const { clock, response, exchange } = setUp()
    void exchange.finish(line(200, 'x'))
    await clock.advance(999)
    expect(response.destroyed).toBe(false)
    await clock.advance(1)
    expect([response.destroyed, exchange.lifeline.ended]).toEqual([true, 'gone'])
  })

  it('is not written to a client that is gone', () => {
    const { request, response, exchange } = setUp()
    request.socket.emit('close')
    void exchange.finish(line(200, 'x'))
    expect([response.status, exchange.lifeline.ended]).toEqual([undefined, 'gone'])
    const late = setUp(new FakeRequest(Object.assign(new EventEmitter(), { destroyed: true })))
    expect(late.exchange.lifeline.ended).toBe('gone')
  })

  it('behind another one on the same socket learns of its end, too', () => {
    const first = setUp()
    const second = setUp(new FakeRequest(first.request.socket))
    expect([first.exchange.ofSocket, second.exchange.ofSocket]).toEqual([2, 2])
    first.response.emit('close')
    expect(second.exchange.ofSocket).toBe(1)
    first.request.socket.emit('close')
    expect(second.exchange.lifeline.ended).toBe('gone')
    expect(first.request.socket.listenerCount('close')).toBe(0)
  })

  it('survives errors of both halves', () => {
    const { request, response } = setUp()
    request.emit('error', new Error('ECONNRESET'))
    response.emit('error', new Error('EPIPE'))
  })
})

describe('an event stream on a socket', () => {
  const answer = (events: Events) => ({ status: 200, headers: {}, events })

  it('is pulled while the client takes it, and ends', async () => {
    const { clock, response, exchange } = setUp()
    void exchange.finish(answer(counting(3)))
    await clock.settle()
    expect([response.written, response.ended]).toEqual([['1', '2', '3'], true])
  })

  it('is not pulled on while the client has not taken the last piece', async () => {
    const { clock, response, exchange } = setUp()
    response.takes = false
    const events = counting(100)
    void exchange.finish(answer(events))
    await clock.advance(500)
    expect([events.asked, response.written]).toEqual([1, ['1']])
    response.emit('drain')
    await clock.settle()
    expect(events.asked).toBe(2)
    await clock.advance(999)
    expect(response.destroyed).toBe(false)
    await clock.advance(1)
    expect([events.asked, response.destroyed, exchange.lifeline.ended]).toEqual([2, true, 'gone'])
    expect(clock.timerCount).toBe(0)
  })

  it('whose client is gone is not pulled on', async () => {
    const { clock, response, exchange } = setUp()
    response.takes = false
    const events = counting(100)
    void exchange.finish(answer(events))
    await clock.settle()
    response.emit('close')
    await clock.settle()
    expect([events.asked, response.ended, clock.timerCount]).toEqual([1, false, 0])
  })

  it('to a client that does not read is cut off when the server drains', async () => {
    const { clock, response, exchange } = setUp()
    response.takes = false
    void exchange.finish(answer(counting(100)))
    await clock.settle()
    exchange.drain()
    expect(response.destroyed).toBe(true)
  })
})
