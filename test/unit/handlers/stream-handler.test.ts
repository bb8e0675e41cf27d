import {
  BehaviorSubject,
  concat,
  defer,
  first,
  ignoreElements,
  map,
  merge,
  NEVER,
  Observable,
  of,
  range,
  Subject,
  throwError,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { route, type Sendable, type StreamFunction, topic } from 'windsock'
import { harness } from 'windsock/testing'

async function connect(stream: StreamFunction, settings: Parameters<typeof harness>[1] = {}) {
  const server = harness([route('/', stream)], settings)
  const peer = await server.connect('/')
  await server.advance(5)
  return { server, peer, closeCode: () => peer.closeFrames.at(0)?.code }
}

describe('a stream function', () => {
  it('sends what its Observable emits, and closes with 1000 when that completes', async () => {
    const { peer, closeCode } = await connect(() => of('a', { b: 1 }, Uint8Array.of(2)))
    expect(peer.messages).toEqual(['a', '{"b":1}', Uint8Array.of(2)])
    expect(closeCode()).toBe(1000)
  })

  it('closes with 1011 when it errors, and the error is reported', async () => {
    const { server, closeCode } = await connect(() => throwError(() => new Error('mine')))
    expect(closeCode()).toBe(1011)
    expect(server.errors).toMatchObject([{ code: 'ERR_WINDSOCK_HANDLER' }])
  })

  it('closes with 1011 for what cannot be sent', async () => {
    const { closeCode } = await connect(() => concat(of(7 as unknown as string), NEVER))
    expect(closeCode()).toBe(1011)
  })

  it('is told of it once, however much of it comes at once', async () => {
    const { server } = await connect(() => range(0, 3) as unknown as Observable<string>)
    expect(server.errors).toMatchObject([{ code: 'ERR_WINDSOCK_MESSAGE_TYPE' }])
  })

  it.each(['hello', 7, true])(
    'closes with 1011 where it returns %j, which is no stream',
    async (value) => {
      const { server, peer, closeCode } = await connect(() => value as unknown as undefined)
      expect(peer.messages).toEqual([])
      expect(closeCode()).toBe(1011)
      expect(server.errors).toMatchObject([{ code: 'ERR_WINDSOCK_HANDLER' }])
    },
  )

  it('keeps the connection open where it returns nothing', async () => {
    for (const nothing of [undefined, null as unknown as undefined]) {
      const { server, closeCode } = await connect(() => nothing)
      expect(server.runtime.connections.size).toBe(1)
      expect(closeCode()).toBeUndefined()
    }
  })

  it('may answer later, and what came meanwhile is not lost', async () => {
    const { server, peer } = await connect(async (connection, { clock }) => {
      const echo$ = connection.messages$.pipe(map((message) => `${String(message)}!`))
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 20))
      return echo$
    })
    peer.send('early')
    await server.advance(50)
    expect(peer.messages).toEqual(['early!'])
  })

  it('is let go of by a disconnect', async () => {
    const source = new Subject<string>()
    const { server, peer } = await connect(() => source)
    expect(source.observed).toBe(true)
    peer.cut()
    await server.advance(5)
    expect(source.observed).toBe(false)
  })

  it('is unsubscribed by a disconnect before the messages end, which so is no error of it', async () => {
    const begun: string[] = []
    const { server, peer } = await connect(({ messages$ }) => {
      const next$ = defer(() => of(begun.push('behind the messages')).pipe(ignoreElements()))
      messages$.subscribe({ complete: () => begun.push('by hand') })
      return merge(messages$.pipe(first()), concat(messages$.pipe(ignoreElements()), next$))
    })
    peer.close(1000)
    await server.advance(5)
    expect(server.records).toMatchObject([{ cause: 'peerClosed', wasClean: true }])
    expect(server.errors).toEqual([])
    expect(begun).toEqual(['by hand'])
  })

  it('is not begun where the connection is over before it answers', async () => {
    const source = new Subject<string>()
    const { server, peer } = await connect(async (_connection, { clock }) => {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 50))
      return source
    })
    peer.close()
    await server.advance(100)
    expect(source.observed).toBe(false)
    expect(server.records).toHaveLength(1)
  })

  it('that emits without end before subscribe returns stops with the connection', async () => {
    const { server, closeCode } = await connect(async (connection) =>
      range(0, 1_000_000).pipe(
        map((value) => {
          if (value === 10) connection.close(4000)
          return String(value)
        }),
      ),
    )
    expect(closeCode()).toBe(4000)
    expect(server.errors).toEqual([])
  })

  it('hands a topic on as it is', async () => {
    const news = topic<string>('news')
    const { server, peer } = await connect(() => news)
    news.publish('a')
    await server.advance(5)
    expect(peer.messages).toEqual(['a'])
    peer.close()
    await server.advance(5)
    expect(news.subscriberCount).toBe(0)
  })
})

describe('an async iterable', () => {
  it('is sent item by item, and its end closes with 1000', async () => {
    const { peer, closeCode } = await connect(async function* stream() {
      yield 'a'
      yield 'b'
    })
    expect(peer.messages).toEqual(['a', 'b'])
    expect(closeCode()).toBe(1000)
  })

  it('closes with 1011 when it throws', async () => {
    const { server, closeCode } = await connect(async function* stream() {
      yield 'a'
      throw new Error('mine')
    })
    expect(closeCode()).toBe(1011)
    expect(server.errors).toHaveLength(1)
  })

  it('is pulled no faster than the peer takes', async () => {
    let pulled = 0
    const { server, peer } = await connect(
      async function* stream() {
        for (;;) {
          pulled++
          yield 'x'.repeat(100)
        }
      },
      { bufferBytes: 300, outboundHighWaterBytes: 300, maxOutboundBytes: 10_000, latencyMs: 10 },
    )
    peer.stall()
    await server.advance(100)
    const before = pulled
    await server.advance(1_000)
    expect(pulled).toBe(before)
    peer.resume()
    await server.advance(50)
    expect(pulled).toBeGreaterThan(before)
    await server.close()
    expect(server.errors).toEqual([])
  })

  it('is asked to return when the connection is over', async () => {
    let cleaned = false
    const { server, peer } = await connect(
      async function* stream(): AsyncGenerator<string> {
        try {
          for (;;) yield 'x'.repeat(100)
        } finally {
          cleaned = true
        }
      },
      { bufferBytes: 100, outboundHighWaterBytes: 100 },
    )
    peer.reset()
    await server.advance(50)
    expect(cleaned).toBe(true)
  })

  it('may have no return, or one that is refused or not a promise', async () => {
    const ends = [
      undefined,
      () => undefined,
      () => ({ done: true }),
      () => JSON.parse(''),
      async () => Promise.reject(new Error('no')),
    ]
    for (const end of ends) {
      const iterator = {
        next: () => new Promise<IteratorResult<string>>(() => {}),
        ...(end && { return: end as never }),
      }
      const { server, peer } = await connect(() => ({ [Symbol.asyncIterator]: () => iterator }))
      peer.close()
      await server.advance(10)
      expect(server.records).toMatchObject([{ cause: 'peerClosed' }])
      expect(server.errors).toEqual([])
    }
  })

  it('that gives one more after the end is not sent any more', async () => {
    let give: (result: IteratorResult<string>) => void = () => {}
    const iterator = {
      next: () =>
        new Promise<IteratorResult<string>>((resolve) => {
          give = resolve
        }),
    }
    const { server, peer } = await connect(() => ({ [Symbol.asyncIterator]: () => iterator }))
    peer.close()
    await server.advance(10)
    give({ done: false, value: 'late' })
    await server.advance(10)
    expect(peer.messages).toEqual([])
    expect(server.errors).toEqual([])
  })
})

describe('other streams', () => {
  it('may be anything that RxJS takes for one', async () => {
    const { peer } = await connect(() => ['a', 'b'] as unknown as Observable<Sendable>)
    expect(peer.messages).toEqual(['a', 'b'])
  })

  it('may be of another library, known by its subscribe', async () => {
    const foreign = {
      subscribe(observer: { next: (value: string) => void; complete: () => void }) {
        observer.next('foreign')
        observer.complete()
        return { unsubscribe() {} }
      },
    }
    const { peer, closeCode } = await connect(() => foreign as unknown as Observable<string>)
    expect(peer.messages).toEqual(['foreign'])
    expect(closeCode()).toBe(1000)
  })

  it.each([7, true, {}, { subscribe: 1 }])('are not %o, and that is told', async (wrong) => {
    const { server, closeCode } = await connect(() => wrong as unknown as Observable<string>)
    expect(closeCode()).toBe(1011)
    expect(server.errors).toMatchObject([{ code: 'ERR_WINDSOCK_HANDLER', cause: wrong }])
  })
})

describe('what ends after the end', () => {
  it('neither closes nor fails again', async () => {
    const ends = {
      complete: (source: BehaviorSubject<string>) => source.complete(),
      error: (source: BehaviorSubject<string>) => source.error(new Error('late')),
    }
    for (const end of Object.values(ends)) {
      const source = new BehaviorSubject('a')
      const { server } = await connect((connection) => {
        // Completes from inside the closing, before it is unsubscribed.
        connection.state$.subscribe((state) => {
          if (state === 'closing') end(source)
        })
        return source
      })
      await server.close()
      expect(server.records).toMatchObject([{ cause: 'draining' }])
      expect(server.errors).toEqual([])
    }
  })
})
