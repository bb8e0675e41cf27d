import { describe, expect, it } from 'vitest'
import { createActor } from 'xstate'
import { clientMachine } from '../../../src/machines/client.ts'
import type { ClientInput } from '../../../src/machines/client-context.ts'
import { ClientDriver } from '../../../src/machines/client-driver.ts'
import type { ClientEffect, ClientEvent } from '../../../src/machines/client-effects.ts'
import type { RetryHint } from '../../../src/protocol/retry-hint.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const INPUT: ClientInput = {
  deadlines: { connectTimeoutMs: 1_000, steadyMs: 5_000, upgradeMs: 10_000, closeTimeoutMs: 500 },
  backoff: { firstMs: 100, capMs: 30_000 },
  transports: ['websocket', 'sse', 'poll'],
  online: true,
}
const BYE = { code: 1000, reason: 'bye' }
const LOST = { code: 1006, reason: '' }

const STARTED = { type: 'app.started' } as const
const RETRIED = { type: 'app.retried' } as const
const CLOSED_BY_APP = { type: 'app.closed', frame: BYE } as const
const opened = (link: number) => ({ type: 'link.opened', link }) as const
const writable = (link: number) => ({ type: 'link.writable', link }) as const
const heard = (link: number) => ({ type: 'link.heard', link }) as const
const ready = (link: number) => ({ type: 'link.ready', link }) as const
const chose = (...transports: ClientInput['transports']) =>
  ({ type: 'app.chose', transports }) as const

/** A client in virtual time; `told` gives what it asked for since the last call. */
function client(input: Partial<ClientInput> = {}) {
  const clock = new VirtualClock()
  const effects: ClientEffect[] = []
  const driver = new ClientDriver({
    clock,
    input: { ...INPUT, ...input },
    perform: (effect) => effects.push(effect),
    stepped: () => {},
  })
  const take = (...events: ClientEvent[]) => {
    for (const event of events) driver.dispatch(event)
  }
  return {
    clock,
    take,
    told: () => effects.splice(0),
    /** The present link has closed, or `link`. */
    lose: (frame = LOST, more: { link?: number; hint?: RetryHint; chance?: number } = {}) =>
      take({
        type: 'link.closed',
        link: driver.snapshot.context.link,
        frame,
        chance: 1,
        nowMs: clock.nowMs(),
        ...more,
      }),
    network: (online: boolean) => take({ type: 'network.changed', online, nowMs: clock.nowMs() }),
    get state() {
      return driver.snapshot.value
    },
    get status() {
      return driver.snapshot.status
    },
    get context() {
      return driver.snapshot.context
    },
    get timers() {
      return clock.timerCount
    },
  }
}

/** One that is open, over the first transport or the one at `index`. */
async function openClient(index = 0) {
  const it = client()
  it.take(STARTED)
  for (let failed = 0; failed < index; failed++) {
    it.lose()
    await it.clock.advance(it.context.delayMs)
  }
  it.take(opened(it.context.link), ready(it.context.link))
  it.told()
  return it
}

const { steadyMs } = INPUT.deadlines

/** One whose present link has been open for long. */
async function steadyClient(index = 0) {
  const it = await openClient(index)
  await it.clock.advance(steadyMs)
  return it
}

/** The transports of the next `count` links, of which none can be opened. */
async function failing(it: ReturnType<typeof client>, count: number) {
  it.told()
  for (let dial = 0; dial < count; dial++) {
    it.lose()
    await it.clock.advance(it.context.delayMs)
  }
  return dials(it.told()).map(([, transport]) => transport)
}

/** One that waits to come back: for 8 s because the server asked for it, or for 100 ms. */
async function waitingClient(hint?: RetryHint) {
  const it = await openClient()
  it.lose(LOST, hint && { hint })
  it.told()
  return it
}
const IN_8_S: RetryHint = { afterMs: 6_000, windowMs: 2_000 }

const dials = (effects: readonly ClientEffect[]) =>
  effects.flatMap((effect) => (effect.type === 'dial' ? [[effect.link, effect.transport]] : []))

describe('a client that has not begun', () => {
  it('asks for nothing', () => {
    const it = client()
    expect([it.state, it.told(), it.timers]).toEqual(['idle', [], 0])
    expect(it.context).toEqual({
      ...INPUT,
      link: 0,
      candidate: 0,
      links: 0,
      index: 0,
      proven: false,
      failures: 0,
      isSteady: false,
      seeksSoon: false,
      attempt: 0,
      delayMs: 0,
      dueMs: 0,
      hinted: false,
      lastClose: null,
    })
  })

  it('dials its first transport when it begins', () => {
    const it = client()
    it.take(STARTED)
    expect(it.state).toEqual({ connecting: 'dialing' })
    expect(it.told()).toEqual([
      { type: 'keep', link: 1 },
      { type: 'dial', link: 1, transport: 'websocket' },
    ])
  })

  it('waits for a network when it begins without one', () => {
    for (const it of [client({ online: false }), client()]) {
      it.network(false)
      it.take(STARTED)
      expect([it.state, it.told()]).toEqual(['offline', [{ type: 'keep', link: 0 }]])
      it.network(true)
      expect(dials(it.told())).toEqual([[1, 'websocket']])
    }
  })

  it('dials what was chosen before it began', () => {
    const it = client()
    it.take(chose('poll', 'sse'), STARTED)
    expect(dials(it.told())).toEqual([[1, 'poll']])
  })

  it('is over when it is closed', () => {
    const it = client()
    it.take(CLOSED_BY_APP)
    expect([it.state, it.told()]).toEqual([
      'closed',
      [{ type: 'keep', link: 0 }, { type: 'finish' }],
    ])
    it.take(STARTED)
    expect([it.state, it.told()]).toEqual(['closed', []])
  })
})

describe("an actor of the client's machine", () => {
  it('goes through the states, and does nothing by itself', () => {
    const actor = createActor(clientMachine, { input: INPUT }).start()
    for (const event of [STARTED, opened(1), ready(1), CLOSED_BY_APP]) actor.send(event)
    expect(actor.getSnapshot().value).toBe('closing')
    actor.stop()
  })
})

describe('connecting', () => {
  it('resumes on the link that has opened, and is open when that is ready', () => {
    const it = client()
    it.take(STARTED)
    it.told()
    it.take(opened(1))
    expect(it.state).toEqual({ connecting: 'resuming' })
    expect(it.told()).toEqual([
      { type: 'keep', link: 1 },
      { type: 'resume', link: 1 },
    ])
    it.take(ready(1))
    expect([it.state, it.told()]).toEqual([{ open: 'holding' }, []])
  })

  it('does not hear other links', () => {
    const it = client()
    it.take(STARTED, opened(0), opened(2))
    expect(it.state).toEqual({ connecting: 'dialing' })
    it.take(opened(1), ready(0), ready(2))
    it.lose(LOST, { link: 0 })
    it.lose(BYE, { link: 2 })
    expect(it.state).toEqual({ connecting: 'resuming' })
  })

  it.each([[[]], [[opened(1)]]])(
    'abandons a link whose messages do not flow in time, and hears of its end (%#)',
    async (events) => {
      const it = client()
      it.take(STARTED)
      await it.clock.advance(600)
      it.take(...events)
      await it.clock.advance(399)
      it.told()
      await it.clock.advance(1)
      expect(it.told()).toEqual([{ type: 'abandon', link: 1, reason: 'no answer within 1000 ms' }])
      it.lose()
      expect(it.state).toBe('waiting')
    },
  )

  it('tries the next transport when one cannot be opened, and the first after the last', async () => {
    const it = client()
    it.take(STARTED)
    for (let dial = 0; dial < 3; dial++) {
      it.lose()
      await it.clock.advance(it.context.delayMs)
    }
    expect(dials(it.told())).toEqual([
      [1, 'websocket'],
      [2, 'sse'],
      [3, 'poll'],
      [4, 'websocket'],
    ])
  })

  it('gives a transport that has been open up after three failures in a row', async () => {
    const it = await steadyClient()
    expect(await failing(it, 5)).toEqual(['websocket', 'websocket', 'websocket', 'sse', 'poll'])
  })

  it('counts a link that opened and did not hold as a failure', async () => {
    const it = await openClient()
    const transports: unknown[] = []
    for (let link = 0; link < 9; link++) {
      transports.push(...(await failing(it, 1)))
      it.take(opened(it.context.link), ready(it.context.link))
      await it.clock.advance(steadyMs - 1)
      expect(it.state).toEqual({ open: 'holding' })
    }
    const rest = ['sse', 'sse', 'sse', 'poll', 'poll', 'poll', 'websocket']
    expect(transports).toEqual(['websocket', 'websocket', ...rest])
  })

  it('counts its failures anew once a link has held', async () => {
    const it = await steadyClient()
    for (let round = 0; round < 3; round++) {
      // The first of these is the end of what has held.
      expect(await failing(it, 3)).toEqual(['websocket', 'websocket', 'websocket'])
      it.take(opened(it.context.link), ready(it.context.link))
      await it.clock.advance(steadyMs)
      expect(it.state).toEqual({ open: 'holding' })
    }
  })

  it('waits for a network when the link is lost without one', () => {
    const it = client()
    it.take(STARTED)
    it.network(false)
    expect(it.state).toEqual({ connecting: 'dialing' })
    it.lose()
    expect([it.state, it.timers]).toEqual(['offline', 0])
    it.told()
    it.network(true)
    expect(dials(it.told())).toEqual([[2, 'sse']])
  })

  it('is over when it is closed, and no Close frame goes out', () => {
    const it = client()
    it.take(STARTED, opened(1))
    it.told()
    it.take(CLOSED_BY_APP)
    expect([it.state, it.told()]).toEqual([
      'closed',
      [{ type: 'keep', link: 0 }, { type: 'finish' }],
    ])
    expect(it.timers).toBe(0)
  })

  it('dials at once what was chosen, and has its whole time for that', async () => {
    const it = client()
    it.take(STARTED, opened(1))
    await it.clock.advance(900)
    it.told()
    it.take(chose('sse'))
    expect(it.told()).toEqual([
      { type: 'keep', link: 2 },
      { type: 'dial', link: 2, transport: 'sse' },
    ])
    await it.clock.advance(999)
    expect(it.told()).toEqual([])
  })

  it('tries its only transport again', async () => {
    const it = client({ transports: ['sse'] })
    it.take(STARTED)
    it.lose()
    await it.clock.advance(it.context.delayMs)
    expect(dials(it.told())).toEqual([
      [1, 'sse'],
      [2, 'sse'],
    ])
  })
})

describe('a link that can carry requests before anybody has answered', () => {
  function asking() {
    const it = client()
    it.take(STARTED)
    it.told()
    it.take(writable(1))
    return it
  }

  it('is asked at once, and the client resumes with the first answer', () => {
    const it = asking()
    expect([it.state, it.told()]).toEqual([
      { connecting: 'asking' },
      [
        { type: 'keep', link: 1 },
        { type: 'resume', link: 1 },
      ],
    ])
    it.take(writable(0), opened(0), ready(0))
    expect(it.state).toEqual({ connecting: 'asking' })
    it.take(opened(1))
    expect([it.state, it.told()]).toEqual([{ connecting: 'resuming' }, []])
    it.take(ready(1))
    expect(it.state).toEqual({ open: 'holding' })
  })

  it('is probed when there is nothing to ask for, and open when somebody has answered', () => {
    const it = asking()
    it.told()
    it.take(ready(1))
    expect([it.state, it.told()]).toEqual([{ connecting: 'proving' }, [{ type: 'probe', link: 1 }]])
    it.take(opened(0), ready(1))
    expect([it.state, it.told()]).toEqual([{ connecting: 'proving' }, []])
    it.take(opened(1))
    expect([it.state, it.told()]).toEqual([{ open: 'holding' }, []])
  })

  it('is abandoned when nobody answers, also where there was nothing to ask for', async () => {
    const it = asking()
    it.take(ready(1))
    it.told()
    await it.clock.advance(1_000)
    expect(it.told()).toEqual([{ type: 'abandon', link: 1, reason: 'no answer within 1000 ms' }])
    expect(await failing(it, 1)).toEqual(['sse'])
  })
})

describe('an answer that comes slowly', () => {
  it.each([[[opened(1)]], [[writable(1), opened(1)]], [[writable(1)]]])(
    'has the whole time again with each piece of it (%#)',
    async (events) => {
      const it = client()
      it.take(STARTED, ...events)
      it.told()
      for (let piece = 0; piece < 5; piece++) {
        await it.clock.advance(999)
        it.take(heard(1))
        expect([it.state, it.told()]).toEqual([{ connecting: 'resuming' }, []])
      }
      await it.clock.advance(999)
      expect(it.told()).toEqual([])
      await it.clock.advance(1)
      expect(it.told()).toEqual([{ type: 'abandon', link: 1, reason: 'no answer within 1000 ms' }])
    },
  )

  it.each([
    ['nothing was asked', []],
    ['only whether anybody is there was asked', [writable(1), ready(1)]],
  ])('puts nothing off where %s', async (_what, events) => {
    const it = client()
    it.take(STARTED, ...events)
    it.told()
    const { state } = it
    await it.clock.advance(999)
    it.take(heard(1))
    expect([it.state, it.told()]).toEqual([state, []])
    await it.clock.advance(1)
    expect(it.told()).toHaveLength(1)
  })

  it('changes nothing when the client is open, closing or waits', async () => {
    const [held, closing, waiting] = [await openClient(), await openClient(), await waitingClient()]
    closing.take(CLOSED_BY_APP)
    for (const it of [held, closing, waiting]) {
      it.told()
      const { state, timers } = it
      it.take(heard(1))
      expect([it.state, it.told(), it.timers]).toEqual([state, [], timers])
    }
  })

  it('of another link puts nothing off', async () => {
    const it = client()
    it.take(STARTED, opened(1))
    await it.clock.advance(999)
    it.take(heard(0), heard(2))
    it.told()
    await it.clock.advance(1)
    expect(it.told()).toHaveLength(1)
  })
})

describe('a link that has closed', () => {
  it.each([
    [1000, 'closed'],
    [1005, 'closed'],
    [1002, 'failed'],
    [4001, 'failed'],
    [1006, 'waiting'],
    [1012, 'waiting'],
  ])('with %d leaves the client %s, and its code is kept', async (code, state) => {
    const connecting = client()
    connecting.take(STARTED)
    for (const it of [connecting, await openClient()]) {
      it.told()
      it.lose({ code, reason: 'why' })
      expect([it.state, it.context.lastClose]).toEqual([state, { code, reason: 'why' }])
      expect(it.status).toBe(state === 'waiting' ? 'active' : 'done')
      const keepNone = { type: 'keep', link: 0 }
      expect(it.told()).toEqual(state === 'waiting' ? [keepNone] : [keepNone, { type: 'finish' }])
      expect(it.timers).toBe(state === 'waiting' ? 1 : 0)
    }
  })

  it('is waited for longer with each attempt, as chance says, and within the cap', async () => {
    const it = client({ backoff: { firstMs: 100, capMs: 300 } })
    it.take(STARTED)
    const delays: number[] = []
    for (const chance of [1, 1, 1, 0.5]) {
      it.lose(LOST, { chance })
      delays.push(it.context.delayMs)
      expect(it.context).toMatchObject({
        hinted: false,
        dueMs: it.clock.nowMs() + it.context.delayMs,
      })
      await it.clock.advance(it.context.delayMs)
      expect(it.state).toEqual({ connecting: 'dialing' })
    }
    expect(delays).toEqual([100, 200, 300, 150])
  })

  it('is waited for as long as the server asked, and spread as chance says', async () => {
    const it = await openClient()
    it.lose({ code: 1012, reason: '' }, { hint: IN_8_S, chance: 0.5 })
    expect(it.context).toMatchObject({ delayMs: 7_000, hinted: true })
    await it.clock.advance(6_999)
    expect(it.state).toBe('waiting')
    await it.clock.advance(1)
    expect(it.state).toEqual({ connecting: 'dialing' })
  })
})

describe('open', () => {
  it('is told of nothing by other links', async () => {
    const it = await openClient()
    it.lose(LOST, { link: 7 })
    it.lose(BYE, { link: 0 })
    it.take(opened(1), ready(1))
    expect([it.state, it.told()]).toEqual([{ open: 'holding' }, []])
  })

  it('begins with the first backoff again when it was open for long, and not before', async () => {
    const short = await openClient(1)
    await short.clock.advance(4_999)
    short.lose()
    expect(short.context.delayMs).toBe(200)
    const long = await openClient(1)
    await long.clock.advance(5_000)
    long.lose()
    expect(long.context.delayMs).toBe(100)
  })

  it('hears of the network, and does not let its link go for that', async () => {
    const it = await openClient()
    it.network(false)
    expect([it.state, it.told()]).toEqual([{ open: 'holding' }, []])
    it.lose()
    expect(it.state).toBe('offline')
  })

  it('dials at once what was chosen', async () => {
    const it = await openClient(1)
    it.take(chose('poll'))
    expect(it.told()).toEqual([
      { type: 'keep', link: 3 },
      { type: 'dial', link: 3, transport: 'poll' },
    ])
    expect(it.context).toMatchObject({ index: 0, proven: false, failures: 0, attempt: 0 })
  })

  it('looks for nothing better over its first transport', async () => {
    const it = await openClient()
    await it.clock.advance(100_000)
    expect([it.state, it.told(), it.timers]).toEqual([{ open: 'holding' }, [], 0])
  })
})

describe('a client that holds a transport that is not its first', () => {
  async function upgrading() {
    const it = await openClient(2)
    await it.clock.advance(10_000)
    return it
  }

  it('dials its first beside it after a while', async () => {
    const it = await openClient(2)
    await it.clock.advance(9_999)
    expect(it.state).toEqual({ open: 'holding' })
    await it.clock.advance(1)
    expect(it.state).toEqual({ open: 'upgrading' })
    expect(it.told()).toEqual([{ type: 'dial', link: 4, transport: 'websocket' }])
    expect(it.context).toMatchObject({ link: 3, candidate: 4 })
  })

  it('goes over to that when it opens', async () => {
    const it = await upgrading()
    it.told()
    it.take(opened(3))
    expect([it.state, it.told()]).toEqual([{ open: 'upgrading' }, []])
    it.take(opened(4))
    expect(it.state).toEqual({ connecting: 'resuming' })
    expect(it.told()).toEqual([
      { type: 'keep', link: 4 },
      { type: 'resume', link: 4 },
    ])
    expect(it.context).toMatchObject({
      link: 4,
      candidate: 0,
      index: 0,
      proven: false,
      failures: 0,
    })
    it.take(ready(4))
    expect(it.state).toEqual({ open: 'holding' })
  })

  it('keeps what it has when that cannot be opened, and tries again later', async () => {
    const it = await upgrading()
    it.told()
    it.lose(LOST, { link: 4 })
    expect([it.state, it.told(), it.context.candidate]).toEqual([{ open: 'holding' }, [], 0])
    await it.clock.advance(10_000)
    expect(dials(it.told())).toEqual([[5, 'websocket']])
  })

  it('keeps what it has when that does not open in time, and lets the other go', async () => {
    const it = await upgrading()
    it.told()
    await it.clock.advance(1_000)
    expect([it.state, it.told()]).toEqual([{ open: 'holding' }, [{ type: 'keep', link: 3 }]])
    it.take(opened(4))
    expect(it.state).toEqual({ open: 'holding' })
  })

  it.each([0, 1])(
    'dials its first sooner once a link has held, and once, whatever carried it (%i)',
    async (index) => {
      const it = await steadyClient(index)
      while (it.context.index !== 2) await failing(it, 1)
      it.take(opened(it.context.link), ready(it.context.link))
      await it.clock.advance(steadyMs - 1)
      expect(it.state).toEqual({ open: 'holding' })
      await it.clock.advance(1)
      expect(it.state).toEqual({ open: 'upgrading' })
      it.lose(LOST, { link: it.context.candidate })
      await it.clock.advance(9_999)
      expect(it.state).toEqual({ open: 'holding' })
      await it.clock.advance(1)
      expect(it.state).toEqual({ open: 'upgrading' })
    },
  )

  it('takes its time where none of its links has held', async () => {
    const it = await openClient()
    await failing(it, 3)
    it.take(opened(it.context.link), ready(it.context.link))
    await it.clock.advance(9_999)
    expect([it.context.index, it.state]).toEqual([1, { open: 'holding' }])
    await it.clock.advance(1)
    expect(it.state).toEqual({ open: 'upgrading' })
  })

  it('takes its time again where its first opened beside it, and did not hold', async () => {
    const it = await upgrading()
    it.take(opened(4), ready(4))
    await failing(it, 3)
    it.take(opened(it.context.link), ready(it.context.link))
    await it.clock.advance(9_999)
    expect([it.context.index, it.state]).toEqual([1, { open: 'holding' }])
  })

  it('goes on with its first when the present link is lost while that is dialed', async () => {
    const it = await upgrading()
    expect(await failing(it, 2)).toEqual(['websocket', 'sse'])
  })

  it('lets both go when the present link is lost meanwhile', async () => {
    const it = await upgrading()
    it.told()
    it.lose()
    expect([it.state, it.told()]).toEqual(['waiting', [{ type: 'keep', link: 0 }]])
    it.take(opened(4))
    expect(it.state).toBe('waiting')
  })

  it('dials the candidate no more once it has dialed anew', async () => {
    const it = await upgrading()
    it.lose()
    await it.clock.advance(it.context.delayMs)
    expect(it.context).toMatchObject({ link: 5, links: 5, candidate: 0 })
  })
})

describe('waiting', () => {
  it('dials when its time has come', async () => {
    const it = await waitingClient()
    await it.clock.advance(99)
    expect([it.state, it.told()]).toEqual(['waiting', []])
    await it.clock.advance(1)
    expect(dials(it.told())).toEqual([[2, 'websocket']])
  })

  it('dials at once when the network is back, unless the server asked for a later moment', async () => {
    const free = await waitingClient()
    free.network(true)
    expect(dials(free.told())).toEqual([[2, 'websocket']])
    const asked = await waitingClient(IN_8_S)
    await asked.clock.advance(7_999)
    asked.network(true)
    expect([asked.state, asked.told()]).toEqual(['waiting', []])
    await asked.clock.advance(1)
    expect(dials(asked.told())).toEqual([[2, 'websocket']])
  })

  it('dials nothing without a network', async () => {
    const it = await waitingClient()
    it.network(false)
    await it.clock.advance(100_000)
    expect([it.state, it.told()]).toEqual(['offline', [{ type: 'keep', link: 0 }]])
  })

  it('dials at once when the application does not want to wait, and begins with the first backoff', async () => {
    const it = await waitingClient(IN_8_S)
    it.take(RETRIED)
    expect(dials(it.told())).toEqual([[2, 'websocket']])
    it.lose()
    expect(it.context.delayMs).toBe(100)
  })

  it('dials at once what was chosen', async () => {
    const it = await waitingClient()
    it.take(chose('sse', 'poll'))
    expect(dials(it.told())).toEqual([[2, 'sse']])
  })

  it('is over when it is closed', async () => {
    const it = await waitingClient()
    it.take(CLOSED_BY_APP)
    expect([it.state, it.told(), it.timers]).toEqual([
      'closed',
      [{ type: 'keep', link: 0 }, { type: 'finish' }],
      0,
    ])
  })
})

describe('without a network', () => {
  async function offlineClient(hint?: RetryHint) {
    const it = await waitingClient(hint)
    it.network(false)
    it.told()
    return it
  }

  it('stays so when it is told again', async () => {
    const it = await offlineClient()
    it.network(false)
    expect([it.state, it.told(), it.context.online]).toEqual(['offline', [], false])
  })

  it('dials when the network is back', async () => {
    const it = await offlineClient()
    it.network(true)
    expect(dials(it.told())).toEqual([[2, 'websocket']])
    expect(it.context.online).toBe(true)
  })

  it('waits for the rest of what the server asked for when the network is back', async () => {
    const it = await offlineClient(IN_8_S)
    await it.clock.advance(3_000)
    it.network(true)
    expect([it.state, it.context.delayMs, it.context.online]).toEqual(['waiting', 5_000, true])
    await it.clock.advance(4_999)
    expect(dials(it.told())).toEqual([])
    await it.clock.advance(1)
    expect(dials(it.told())).toEqual([[2, 'websocket']])
  })

  it('dials when the network is back at the moment that the server asked for', async () => {
    const it = await offlineClient(IN_8_S)
    await it.clock.advance(8_000)
    it.network(true)
    expect(dials(it.told())).toEqual([[2, 'websocket']])
  })

  it('dials all the same when the application wants it', async () => {
    const it = await offlineClient()
    it.take(RETRIED)
    expect(dials(it.told())).toEqual([[2, 'websocket']])
    expect(it.context.attempt).toBe(0)
  })

  it('keeps what was chosen for later', async () => {
    const it = await offlineClient()
    it.take(chose('poll'))
    expect([it.state, it.told()]).toEqual(['offline', []])
    it.network(true)
    expect(dials(it.told())).toEqual([[2, 'poll']])
  })

  it('is over when it is closed', async () => {
    const it = await offlineClient()
    it.take(CLOSED_BY_APP)
    expect(it.state).toBe('closed')
  })
})

describe('closing', () => {
  async function closingClient() {
    const it = await openClient()
    it.take(CLOSED_BY_APP)
    return it
  }

  it('sends the Close frame over the present link, and is over when that has closed', async () => {
    const it = await closingClient()
    expect(it.state).toBe('closing')
    expect(it.told()).toEqual([
      { type: 'keep', link: 1 },
      { type: 'closeLink', link: 1, frame: BYE },
    ])
    it.lose(LOST, { link: 7 })
    expect(it.state).toBe('closing')
    it.lose({ code: 1000, reason: 'yes' })
    expect([it.state, it.context.lastClose]).toEqual(['closed', { code: 1000, reason: 'yes' }])
    expect(it.told()).toEqual([{ type: 'keep', link: 0 }, { type: 'finish' }])
  })

  it('is over when the link does not close in time', async () => {
    const it = await closingClient()
    await it.clock.advance(499)
    expect(it.state).toBe('closing')
    await it.clock.advance(1)
    expect([it.state, it.timers]).toEqual(['closed', 0])
  })

  it('lets a link go that was dialed beside the present one', async () => {
    const it = await openClient(1)
    await it.clock.advance(10_000)
    it.told()
    it.take(CLOSED_BY_APP)
    expect(it.told()[0]).toEqual({ type: 'keep', link: 2 })
  })
})
