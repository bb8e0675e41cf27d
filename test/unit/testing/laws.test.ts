// The laws, each seen to fail: a run that is in order, and then one thing in what was written down is made wrong.

import { describe, expect, it } from 'vitest'
import { route, topic, topics } from 'windsock'
import { type Harness, harness, LawBroken, type Life, laws, Script } from 'windsock/testing'

/** Two clients say something to an echo, and the second closes. */
async function aRun(): Promise<{ server: Harness; one: Life; two: Life }> {
  const server = harness([route('/', ({ messages$ }) => messages$)])
  await server.run(
    new Script([
      { atMs: 0, client: 1, does: 'connect', path: '/' },
      { atMs: 0, client: 2, does: 'connect', path: '/' },
      { atMs: 5, client: 1, does: 'send', message: 'a' },
      { atMs: 5, client: 1, does: 'send', message: 'b' },
      { atMs: 5, client: 2, does: 'send', message: 'c' },
      { atMs: 9, client: 2, does: 'close', code: 4001, reason: 'bye' },
    ]),
  )
  laws.all(server)
  const [one, two] = server.lives as [Life, Life]
  return { server, one, two }
}

function brokenBy(server: Harness, law: keyof typeof laws): LawBroken {
  try {
    laws[law](server)
  } catch (thrown) {
    if (thrown instanceof LawBroken) return thrown
    throw thrown
  }
  throw new Error(`${law} holds`)
}

const without = (life: Life, what: string, nth: number) => {
  const found = life.entries.filter((entry) => entry.what === what)[nth]
  life.entries.splice(life.entries.indexOf(found as never), 1)
}
const again = (life: Life, what: string) => {
  life.entries.push(life.entries.find((entry) => entry.what === what) as never)
}

describe('a law that is broken', () => {
  it('oneClose: a second record, a second call of the close hook, a second Close frame', async () => {
    const first = await aRun()
    again(first.one, 'over')
    expect(brokenBy(first.server, 'oneClose').message).toMatch(/client 1: there are 2 close rec/)
    const second = await aRun()
    again(second.two, 'close')
    expect(brokenBy(second.server, 'oneClose').message).toMatch(/client 2: .* closed 2 times/)
    const ended = await aRun()
    again(ended.two, 'end')
    expect(brokenBy(ended.server, 'oneClose').message).toMatch(/client 2: .* the end 2 times/)
    const third = await aRun()
    third.one.client.wire.push(...third.one.client.wire.filter(({ item }) => item.kind === 'close'))
    expect(brokenBy(third.server, 'oneClose').message).toMatch(/it got 2 Close frames/)
  })

  it('order: the handler is given, or the client gets, what is not next', async () => {
    const first = await aRun()
    without(first.one, 'message', 0)
    expect(brokenBy(first.server, 'order').message).toMatch(/given "b" out of turn/)
    const busy = await aRun()
    busy.one.hasOverlapped = true
    expect(brokenBy(busy.server, 'order').message).toMatch(/while it was busy/)
    const second = await aRun()
    second.one.client.wire.reverse()
    expect(brokenBy(second.server, 'order').message).toMatch(/it got "b" out of turn/)
  })

  it('noLoss: what was said before a close, or long before the end, never came', async () => {
    const first = await aRun()
    without(first.two, 'message', 0)
    expect(brokenBy(first.server, 'noLoss').message).toMatch(/never heard "c"/)
    const second = await aRun()
    Object.assign(second.one, { calm: { ...second.one.calm, received: 1 } })
    expect(brokenBy(second.server, 'noLoss').message).toMatch(/had not got "b", though all was/)
  })

  it('budget: more waits than the bound and two messages', async () => {
    const { server, one } = await aRun()
    one.mostHeldBytes = one.maxOutboundBytes + 2 * one.largestSentBytes + 1
    expect(brokenBy(server, 'budget').law).toBe('budget')
  })

  it('nothingAfterClose: a frame behind the Close frame, a message behind the end', async () => {
    const first = await aRun()
    first.one.client.wire.push(...first.one.client.wire.slice(0, 1))
    expect(brokenBy(first.server, 'nothingAfterClose').message).toMatch(/a message after the Cl/)
    const second = await aRun()
    again(second.two, 'message')
    expect(brokenBy(second.server, 'nothingAfterClose').message).toMatch(/given "c" .* after the e/)
    const third = await aRun()
    third.one.lateSends = 1
    expect(brokenBy(third.server, 'nothingAfterClose').message).toMatch(/1 messages were taken/)
  })

  it('noLeak: a timer is left, a handler was never told', async () => {
    const first = await aRun()
    first.server.clock.setTimeout(() => {}, 1)
    expect(brokenBy(first.server, 'noLeak').message).toMatch(/1 timers are left/)
    const second = await aRun()
    without(second.two, 'end', 0)
    expect(brokenBy(second.server, 'noLeak').message).toMatch(/client 2 was never told the end/)
  })

  it('wellFormed: a code on the wire that may not be there', async () => {
    const { server, one } = await aRun()
    const item = { kind: 'close', frame: { code: 1006, reason: '' } } as const
    one.client.wire.push({ atMs: 0, item })
    expect(brokenBy(server, 'wellFormed').message).toMatch(/the close code 1006/)
  })

  it('noGap: an offset that is missing, one that two have differently, an end that is not the end', async () => {
    const news = async () => {
      const list = [topic<string>('news', { history: { count: 10 } })]
      const accept = String
      const server = harness(topics('/topics', list, { accept }))
      const publish = (atMs: number, data: string) =>
        ({ atMs, client: 1, does: 'publish', topic: 'news', data }) as const
      const connect = { does: 'connect', path: '/topics', follows: ['news'] } as const
      await server.run(
        new Script([
          { atMs: 0, client: 1, ...connect },
          { atMs: 0, client: 2, ...connect },
          publish(9, 'a'),
          publish(9, 'b'),
          { atMs: 20, client: 2, does: 'reset' },
          publish(30, 'c'),
          { atMs: 40, client: 2, ...connect },
        ]),
      )
      laws.all(server)
      const view = server.followers.get(2)?.topics.get('news')
      if (view === undefined) throw new Error('nobody followed')
      return { server, view }
    }
    const first = await news()
    expect(first.view.sightings.map((one) => one.offset)).toEqual([0, 1, 2, 3])
    first.view.sightings.splice(2, 1)
    expect(brokenBy(first.server, 'noGap').message).toMatch(/client 2 got offset 3 of news after 1/)
    const second = await news()
    Object.assign(second.view.sightings[2] as object, { data: '"x"' })
    expect(brokenBy(second.server, 'noGap').message).toMatch(/client 2 has "x" at .*, where anoth/)
    const third = await news()
    third.view.calm = 2
    expect(brokenBy(third.server, 'noGap').message).toMatch(/has news up to 2, which goes to 3/)
  })
})

describe('a law that holds', () => {
  it('noGap: who was sent a Close frame, and does not answer it, gets nothing more', async () => {
    const entries = topics('/topics', [topic<string>('news', { history: { count: 9 } })], {
      accept: String,
    })
    const server = harness(entries, { maxControlFramesPer10s: 1, closeTimeoutMs: 60_000 })
    const data = new Uint8Array()
    await server.run(
      new Script([
        { atMs: 0, client: 1, does: 'connect', path: '/topics', follows: ['news'] },
        { atMs: 0, client: 2, does: 'connect', path: '/topics', follows: ['news'] },
        { atMs: 1, client: 1, does: 'ignoreClose' },
        { atMs: 9, client: 1, does: 'ping', data },
        { atMs: 9, client: 1, does: 'ping', data },
        { atMs: 20, client: 2, does: 'publish', topic: 'news', data: 'a' },
      ]),
    )
    expect(server.records.map(({ cause }) => cause)).toContain('limitExceeded')
    expect(server.followers.get(2)?.topics.get('news')?.last).toBe(1)
    laws.all(server)
  })
})
