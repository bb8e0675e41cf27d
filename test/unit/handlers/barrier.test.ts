import { describe, expect, it } from 'vitest'
import { Barrier } from '../../../src/handlers/barrier.ts'
import type { Connection, Handler, HandlerContext } from '../../../src/handlers/handler.ts'
import type { CloseRecord } from '../../../src/protocol/close-record.ts'
import { deferred } from '../../../src/streams/deferred.ts'

const CONNECTION = {} as Connection
const CONTEXT = {} as HandlerContext
const RECORD = {} as CloseRecord

const HOOKS = {
  open: (barrier: Barrier) => barrier.open(CONNECTION, CONTEXT),
  message: (barrier: Barrier) => {
    const { promise, resolve } = deferred<void>()
    return barrier.message('m', () => resolve()) ? promise : undefined
  },
  ping: (barrier: Barrier) => barrier.ping(new Uint8Array()),
  pong: (barrier: Barrier) => barrier.pong({ data: new Uint8Array(), roundTripMs: 1 }),
  end: (barrier: Barrier) => barrier.end(),
  close: (barrier: Barrier) => barrier.close(RECORD),
}
const names = Object.keys(HOOKS) as (keyof typeof HOOKS)[]

function around(handler: Handler) {
  const failures: unknown[] = []
  return {
    barrier: new Barrier(handler, { fail: (thrown) => void failures.push(thrown) }),
    failures,
  }
}

describe.each(names)('the hook %s', (name) => {
  const call = HOOKS[name]

  it('may be missing', () => {
    const { barrier, failures } = around({})
    expect(call(barrier)).toBeUndefined()
    expect(failures).toEqual([])
  })

  it('gets what it is called with, on its own object', () => {
    const calls: unknown[] = []
    const handler: Handler = {
      [name](this: Handler, ...args: unknown[]) {
        calls.push(this === handler, args.length)
      },
    }
    void call(around(handler).barrier)
    expect(calls).toEqual([true, { open: 2, end: 0 }[name as 'open'] ?? 1])
  })

  it('that throws is reported, and the caller goes on', () => {
    const { barrier, failures } = around({
      [name]: () => {
        throw new Error('boom')
      },
    })
    expect(call(barrier)).toBeUndefined()
    expect(failures).toEqual([new Error('boom')])
  })

  it('that rejects is reported, and its promise does not reject', async () => {
    const { barrier, failures } = around({ [name]: async () => Promise.reject(new Error('late')) })
    await expect(call(barrier)).resolves.toBeUndefined()
    expect(failures).toEqual([new Error('late')])
  })

  it('may return a promise, a thenable of any kind, or anything', async () => {
    const { barrier, failures } = around({ [name]: async () => 'done' })
    await expect(call(barrier)).resolves.toBeUndefined()
    // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
    const thenable = { then: (resolve: (value: unknown) => void) => resolve(1) }
    await expect(call(around({ [name]: () => thenable }).barrier)).resolves.toBeUndefined()
    for (const value of [null, 7, 'text', { then: 1 }]) {
      expect(call(around({ [name]: () => value }).barrier)).toBeUndefined()
    }
    expect(failures).toEqual([])
  })
})
