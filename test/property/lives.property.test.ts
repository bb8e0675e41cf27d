// Laws of a life: what is answered to which trouble, what comes before what, what is left afterwards, and that
// one connection's trouble stays its own.

import fc from 'fast-check'
import { map, type Observable } from 'rxjs'
import { describe, expect } from 'vitest'
import { connectionMachine, route, Topic } from 'windsock'
import {
  anyMove,
  anyone,
  anyScript,
  calmHandlers,
  FORMS,
  goodbyes,
  handlers,
  hook,
  hooks,
  kindMove,
  movesOf,
  plainMoves,
  scripts,
  settings,
  speech,
  waits,
  watcher,
  wideSettings,
} from './support/arbitraries.ts'
import { law, lawOf } from './support/law.ts'
import { type Life, plain, play, type Run } from './support/play.ts'
import { type Behaviour, Script } from './support/script.ts'

const A = fc.constant(0 as const)
const formed = (parts: Partial<Behaviour>) =>
  fc.constantFrom(...FORMS).map((form): Behaviour => ({ ...watcher(form), ...parts }))

interface Trouble {
  readonly name: string
  readonly code: number
  readonly cause: string
  readonly script: fc.Arbitrary<Script>
}

const prelude = movesOf(fc.oneof(speech(A), waits), { maxLength: 4 })
const talk = { do: 'text', who: 0, size: 4 } as const
const pass = (ms: number) => ({ do: 'wait', ms }) as const

/** A calm prelude, then what brings the trouble about. */
function trouble(
  name: string,
  code: number,
  cause: string,
  handler: fc.Arbitrary<Behaviour>,
  last: Script['moves'],
  more: Partial<Script['settings']> = {},
): fc.Arbitrary<Trouble> {
  const script = scripts({
    settings: wideSettings.map((wide) => ({ ...wide, ...more })),
    handlers: handler.map((one) => [one]),
    moves: prelude.map((moves) => [...moves, ...last]),
  })
  return script.map((made) => ({ name, code, cause, script: fc.constant(made) }))
}

const sourced = (end: 'completes' | 'errors', kind: 'observable' | 'iterable') =>
  fc.constant<Behaviour>({ ...watcher('stream'), source: { kind, items: 2, everyMs: 3, end } })
const awaiting = fc.constant(watcher('class'))
const flood = Array.from({ length: 40 }, () => talk)
const echo = formed({ message: hook({ acts: [{ act: 'send', size: 50 }] }) })

const troubles = fc.oneof(
  trouble('open throws', 1011, 'handlerFailed', formed({ open: hook({ fails: true }) }), [
    pass(99),
  ]),
  trouble(
    'open rejects',
    1011,
    'handlerFailed',
    fc
      .constantFrom('stream' as const, 'class' as const)
      .map((form) => ({ ...watcher(form), open: hook({ takes: 5, fails: true }) })),
    [pass(99)],
  ),
  trouble('onMessage throws', 1011, 'handlerFailed', formed({ message: hook({ fails: true }) }), [
    talk,
    pass(99),
  ]),
  trouble(
    'onMessage rejects',
    1011,
    'handlerFailed',
    awaiting.map((one) => ({ ...one, message: hook({ takes: 5, fails: true }) })),
    [talk, pass(99)],
  ),
  trouble(
    'what cannot be sent',
    1011,
    'handlerFailed',
    formed({ message: hook({ acts: [{ act: 'sendBad' }] }) }),
    [talk, pass(99)],
  ),
  trouble(
    'a stream errors',
    1011,
    'handlerFailed',
    fc.oneof(sourced('errors', 'observable'), sourced('errors', 'iterable')),
    [pass(99)],
  ),
  trouble(
    'open never ends',
    1011,
    'openTimeout',
    fc
      .constantFrom('stream' as const, 'class' as const)
      .map((form) => ({ ...watcher(form), open: hook({ takes: 'forever' }) })),
    [pass(260)],
    { openTimeoutMs: 200 },
  ),
  trouble(
    'onMessage never ends',
    1011,
    'handlerTimeout',
    awaiting.map((one) => ({ ...one, message: hook({ takes: 'forever' }) })),
    [talk, pass(260)],
    { handlerTimeoutMs: 200 },
  ),
  trouble(
    'too many pings',
    1008,
    'limitExceeded',
    formed({}),
    [...Array.from({ length: 4 }, () => ({ do: 'ping', who: 0 }) as const), pass(99)],
    { maxControlFramesPer10s: 3 },
  ),
  trouble(
    'a slow peer',
    1013,
    'slowConsumer',
    echo,
    [{ do: 'stall', who: 0 }, ...flood, pass(45), { do: 'resume', who: 0 }, pass(45)],
    { maxOutboundBytes: 400, bufferBytes: 200 },
  ),
  trouble(
    'a peer that takes nothing',
    1013,
    'slowConsumer',
    echo,
    [{ do: 'stall', who: 0 }, ...flood.slice(0, 9), pass(150), { do: 'resume', who: 0 }, pass(45)],
    { bufferBytes: 200, stallTimeoutMs: 100 },
  ),
  trouble('a drain', 1001, 'draining', formed({}), [{ do: 'drain', code: 1001 }]),
  trouble('a restart', 1012, 'draining', formed({}), [{ do: 'drain', code: 1012 }]),
  trouble(
    'a stream completes',
    1000,
    'appClosed',
    fc.oneof(sourced('completes', 'observable'), sourced('completes', 'iterable')),
    [pass(99)],
  ),
)

describe('what is answered to which trouble', () => {
  lawOf(
    'a failing handler gets 1011, a broken bound 1008, a slow peer 1013, a drain 1001 or 1012 (I-12)',
    troubles.chain(({ script, ...rest }) => script.map((made) => ({ ...rest, script: made }))),
    async ({ script, code, cause }) => {
      const { lives } = await play(script)
      const [life] = lives as [Life]
      expect(life.peer.closeFrames.map((frame) => frame.code)).toEqual([code])
      expect([life.record.cause, life.record.initiator]).toEqual([cause, 'local'])
    },
  )
})

describe('order within a life', () => {
  law(
    'open comes before every message, every message before close, each hook in its turn (I-16)',
    anyScript,
    (run) => {
      for (const { diary, live } of run.lives) {
        if (live === undefined) continue
        const hooks = diary.entries
          .map(({ what }) => what)
          .filter((what) => ['open', 'opened', 'message', 'close', 'record'].includes(what))
        // A failing `open` never says `opened`; a late one may say it after the end, as it likes.
        expect(hooks.filter((what) => what !== 'opened').join(' ')).toMatch(
          /^(open( message)*( close)?)? ?record$/,
        )
        const message = hooks.indexOf('message')
        if (message >= 0) expect(hooks.slice(0, message)).toContain('opened')
        const opened = hooks.includes('open')
        if (opened && run.script.handlerOf(0).form === 'class') expect(hooks).toContain('close')
      }
    },
  )

  law(
    'what is delivered is what the peer said, in its order, from the first on (I-16)',
    anyScript,
    (run) => {
      for (const life of run.lives) {
        const { delivered, spoken } = life
        expect(delivered).toEqual(spoken.slice(0, delivered.length))
      }
    },
  )

  law(
    'nothing that comes while open is pending is lost (I-16)',
    scripts({
      settings: fc
        .record({
          wide: wideSettings,
          maxHeldBytes: fc.integer({ min: 1, max: 200 }),
          maxHeldMessages: fc.integer({ min: 1, max: 5 }),
        })
        .map(({ wide, ...held }) => ({ ...wide, ...held })),
      handlers: fc
        .record({
          form: fc.constantFrom('stream' as const, 'class' as const),
          takes: fc.integer({ min: 0, max: 300 }),
          each: fc.constantFrom('now' as const, 0, 2),
        })
        .map(({ form, takes, each }) => [
          { ...watcher(form), open: hook({ takes }), message: hook({ takes: each }) },
        ]),
      moves: movesOf(fc.oneof(speech(A), waits), { minLength: 1 }).map((moves) => [
        ...moves,
        pass(400),
      ]),
    }),
    ({ lives }) => {
      for (const life of lives) expect(life.delivered).toEqual(life.spoken)
      return lives.some((life) => life.spoken.length > 0)
    },
  )

  law('nothing is delivered once this side has begun to close (I-17)', anyScript, ({ lives }) => {
    let closed = false
    for (const { diary, record } of lives) {
      const { entries } = diary
      const closing = entries.findIndex(
        (entry) =>
          (entry.what === 'state' && entry.state === 'closing') ||
          (entry.what === 'closeCall' && entry.threw === undefined && entry.after === 'closing'),
      )
      if (closing < 0) continue
      closed ||= record.initiator === 'local'
      expect(entries.slice(closing).filter(({ what }) => what === 'message')).toEqual([])
    }
    return closed
  })

  law(
    'all that was read before the peer closed is delivered before the close (I-17)',
    scripts({
      settings: fc
        .record({ wide: wideSettings, maxHeldMessages: fc.integer({ min: 1, max: 4 }) })
        .map(({ wide, ...held }) => ({ ...wide, ...held })),
      handlers: fc
        .record({
          form: fc.constantFrom(...FORMS),
          open: hooks(0, fc.constantFrom('now' as const, 9)),
          each: hooks(0, fc.constantFrom('now' as const, 0, 7)),
        })
        .map(({ form, open, each }) => [{ ...watcher(form), open, message: each }]),
      moves: fc
        .tuple(movesOf(fc.oneof(speech(A), waits)), fc.oneof(goodbyes(A, 0), plainMoves(A, 'cut')))
        .map(([moves, last]) => [...moves, last, pass(200)]),
    }),
    ({ lives }) => {
      for (const life of lives) {
        expect(life.delivered).toEqual(life.spoken)
        const order = life.diary.entries.map(({ what }) => what)
        expect(order.lastIndexOf('message')).toBeLessThan(order.indexOf('record'))
        const close = order.indexOf('close')
        if (close >= 0) expect(order.lastIndexOf('message')).toBeLessThan(close)
        expect(life.record.totals.messagesReceived).toBe(life.spoken.length)
      }
      return lives.some((life) => life.spoken.length > 0)
    },
  )
})

describe('what is left', () => {
  /** Deadlines so long that a timer left behind has no chance to fire. */
  const patient = settings.map((some) => ({
    ...some,
    handshakeTimeoutMs: 60_000,
    openTimeoutMs: 60_000,
    handlerTimeoutMs: 60_000,
    stallTimeoutMs: 60_000,
    pingIntervalMs: 60_000,
  }))
  law(
    'after the end no timer, no map entry and no subscription is left (I-18)',
    scripts({ settings: fc.oneof(settings, patient) }),
    (run) => {
      expect(run.timersLeft).toBe(0)
      expect(run.harness.runtime.connections.size).toBe(0)
      for (const { diary } of run.lives) {
        const opened = diary.of('open').length
        expect(diary.of('statesEnd')).toHaveLength(opened)
        if (run.script.handlerOf(0).form === 'stream') {
          expect(diary.of('messagesEnd')).toHaveLength(opened)
        }
      }
    },
  )

  law(
    'after the end whoever subscribes to a connection learns at once that it is over',
    scripts({}),
    ({ lives }) => {
      const all = lives.flatMap(({ live }) => (live === undefined ? [] : [live]))
      for (const { messages$, pongs$, state$ } of all) {
        for (const stream$ of [messages$, pongs$, state$] as Observable<unknown>[]) {
          const told: string[] = []
          stream$.subscribe({ complete: () => told.push('over') })
          expect(told).toEqual(['over'])
        }
      }
      return all.length > 0
    },
  )

  const room = { topic: new Topic<string>('room') }
  law(
    'after the end nobody is left in a topic (I-18)',
    scripts({ moves: movesOf(anyMove(anyone(3)), { peers: 2 }) }),
    (run) => {
      expect(room.topic.subscriberCount).toBe(0)
      expect(run.timersLeft).toBe(0)
    },
    {
      begin: () => {
        room.topic = new Topic('room')
      },
      routes: () =>
        [0, 1, 2, 3].map((who) =>
          route(`/${who}`, (connection) => {
            connection.messages$.subscribe((message) => void room.topic.publish(plain(message)))
            return room.topic.pipe(map((line) => `${line}!`))
          }),
        ),
    },
  )

  const crowded = settings.map((some) => ({ ...some, maxConnections: 2 }))
  law(
    'the connections there are, are those accepted and not closed, at every step (I-19)',
    scripts({ settings: crowded, moves: movesOf(anyMove(anyone(4)), { peers: 1 }) }),
    ({ harness, lives }) => {
      const { accepted, closed, turnedAway } = harness.runtime.counts
      expect([accepted, closed, turnedAway]).toEqual([
        lives.filter(({ id }) => id !== undefined).length,
        harness.records.length,
        lives.filter(({ peer }) => peer.status === 503 && peer.answer).length - refused(lives),
      ])
    },
    {
      afterMove: (lives, { runtime, records }, dials) => {
        const { accepted, closed, turnedAway } = runtime.counts
        expect(accepted + turnedAway).toBe(dials)
        expect(closed).toBe(records.length)
        const present = lives.filter((life) => life.id !== undefined && life.records.length === 0)
        expect(new Set(runtime.connections.keys())).toEqual(new Set(present.map(({ id }) => id)))
        expect(runtime.connections.size).toBe(accepted - closed)
        expect(runtime.connections.size).toBeLessThanOrEqual(2)
      },
    },
  )

  lawOf(
    'the same script gives the same trace (I-20)',
    scripts({ moves: movesOf(anyMove(anyone(2)), { peers: 2 }) }),
    async (script) => {
      expect(traceOf(await play(script))).toEqual(traceOf(await play(script)))
    },
  )
})

/** Connections that were refused by their own machine with 503: a drain or a deadline in the handshake. */
function refused(lives: readonly Life[]): number {
  return lives.filter(({ id, record }) => id !== undefined && record.status === 503).length
}

function traceOf({ lives, harness }: Run) {
  return {
    lives: lives.map(({ id, peer, diary }) => ({ id, wire: peer.wire, log: diary.entries })),
    records: harness.records,
    errors: harness.errors.map(({ message }) => message),
  }
}

describe('one connection and the others', () => {
  const hostile = fc.oneof(hooks(5), hooks(0))
  const failing = fc.record<Behaviour>({
    form: fc.constantFrom(...FORMS),
    open: hostile,
    message: hostile,
    close: hostile,
    source: handlers.map(({ source }) => source),
  })
  lawOf(
    'what user code throws ends its own connection, and all others go on as if it had not happened (I-15)',
    fc.record({
      script: scripts({
        settings: wideSettings,
        handlers: fc.tuple(failing, calmHandlers, calmHandlers),
        moves: movesOf(
          kindMove(anyone(3)).filter(({ do: does }) => does !== 'drain'),
          { peers: 3, minLength: 3 },
        ),
      }),
      throwAt: fc.nat(3),
    }),
    async ({ script, throwAt }) => {
      const calm = script.with({ handlers: [watcher('class'), ...script.handlers.slice(1)] })
      const [faulty, sane] = [await play(script, shared(throwAt)), await play(calm, shared(-1))]
      for (const who of [1, 2]) {
        const [one, other] = [faulty.lives[who] as Life, sane.lives[who] as Life]
        expect(one.peer.wire).toEqual(other.peer.wire)
        expect(one.diary.entries).toEqual(other.diary.entries)
        expect(one.record).toEqual(other.record)
      }
      return faulty.harness.errors.length > 0
    },
  )

  /** All of them hear a feed that ticks by itself; the first throws at one of its ticks. */
  function shared(throwAt: number) {
    const feed = new Topic<string>('feed')
    let run: Run['harness'] | undefined
    return {
      begin: (made: Run['harness']) => {
        run = made
        run.runtime.closed$.subscribe(() => {
          if (throwAt >= 0) throw new Error('a listener of the server')
        })
        for (const ms of [20, 60, 130, 200])
          run.clock.setTimeout(() => void feed.publish('tick'), ms)
      },
      afterMove: (lives: readonly Life[]) => {
        for (const { diary, who } of lives) {
          const { connection } = diary
          if (connection === undefined || listening.has(connection)) continue
          listening.add(connection)
          let ticks = 0
          feed.subscribe(() => {
            if (who > 0) void connection.send('tick')
            else if (ticks++ === throwAt) throw new Error('a subscriber')
          })
        }
      },
    }
  }
  const listening = new WeakSet<object>()

  law(
    'a guard of a user that throws ends its own connection, and the machine goes on (I-15)',
    scripts({
      settings: fc
        .tuple(
          settings,
          fc.constantFrom(
            'handshakeTimeout' as const,
            'openTimeout' as const,
            'pingInterval' as const,
            'pingTimeout' as const,
            'closeTimeout' as const,
          ),
        )
        .map(([some, delay]) => ({
          ...some,
          pingIntervalMs: 20,
          machine: connectionMachine.provide({
            delays: {
              [delay]: () => {
                throw new Error('a delay')
              },
            },
          }),
        })),
      handlers: calmHandlers.map((one) => [one]),
    }),
    ({ lives, harness }) => {
      for (const life of lives) expect(life.records).toHaveLength(1)
      return harness.errors.some(
        ({ cause }) => cause instanceof Error && cause.message === 'a delay',
      )
    },
  )
})
