import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from 'windsock/testing'
import { bodyOf } from '../../../src/protocol/request-body.ts'

class Incoming extends EventEmitter {
  readonly headers: Record<string, string> = {}
  readableEnded = false
  complete = false
  paused = false

  pause() {
    this.paused = true
  }
}

function reading(maxBytes = 4, contentLength?: string) {
  const [clock, request] = [new VirtualClock(), new Incoming()]
  if (contentLength !== undefined) request.headers['content-length'] = contentLength
  const status = bodyOf(request, { maxBytes, timeoutMs: 100 }, clock).then(
    (bytes) => Buffer.from(bytes).toString(),
    ({ httpStatus }: { httpStatus: number }) => httpStatus,
  )
  return { clock, request, status }
}

describe('the body of a request', () => {
  it('is what came', async () => {
    const { clock, request, status } = reading()
    request.emit('data', Buffer.from('ab'))
    request.emit('data', Buffer.from('cd'))
    request.complete = true
    request.emit('end')
    expect([await status, clock.timerCount, request.eventNames()]).toEqual(['abcd', 0, []])
    expect(request.paused).toBe(false)
  })

  it('is 413 as soon as it is too much, or says that it will be', async () => {
    const { request, status } = reading()
    request.emit('data', Buffer.from('abcde'))
    expect([await status, request.paused]).toEqual([413, true])
    const told = reading(4, '5')
    expect([await told.status, told.clock.timerCount]).toEqual([413, 0])
  })

  it('is 408 when it does not come whole in time', async () => {
    const { clock, request, status } = reading()
    request.emit('data', Buffer.from('a'))
    await clock.advance(100)
    expect([await status, request.paused]).toEqual([408, true])
  })

  it('of a client that leaves is over', async () => {
    const { clock, request, status } = reading()
    request.emit('close')
    expect([await status, clock.timerCount]).toEqual([400, 0])
  })

  it('that somebody has read before is told to be gone', async () => {
    const request = Object.assign(new Incoming(), { readableEnded: true })
    const error = { code: 'ERR_WINDSOCK_HTTP', httpStatus: 500 }
    const bounds = { maxBytes: 4, timeoutMs: 100 }
    await expect(bodyOf(request, bounds, new VirtualClock())).rejects.toMatchObject(error)
  })
})
