// Arbitraries: scripts of every kind, from plain ones to the worst that peers and handlers can do.

import fc from 'fast-check'
import { LONGEST_USER_DELAY_MS } from './play.ts'
import {
  type Act,
  type Behaviour,
  type Hook,
  type Move,
  type PlainMove,
  Script,
  type Settings,
  type Source,
  type Who,
} from './script.ts'

export const LEGAL_CODES = [1000, 1001, 1003, 1011, 3000, 4001, 4999] as const
export const ILLEGAL_CODES = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] as const

export const reasons = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 140 }) },
  { weight: 1, arbitrary: fc.constantFrom('\ud800', 'a\udc00b', 'é'.repeat(62), '€'.repeat(41)) },
)
const sizes = fc.oneof(fc.constant(0), fc.nat(20), fc.nat(400))

// ── handlers ─────────────────────────────────────────────────────────────────────────────────────

const sends: fc.Arbitrary<Act> = fc.record({
  act: fc.constantFrom('send' as const, 'sendBytes' as const),
  size: sizes,
})
export const closes: fc.Arbitrary<Act> = fc.record({
  act: fc.constant('close' as const),
  code: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...LEGAL_CODES) },
    { weight: 2, arbitrary: fc.constantFrom(...ILLEGAL_CODES) },
  ),
  reason: reasons,
  loose: fc.boolean(),
})
const acts = (most: number, closing: number) =>
  fc.array(
    fc.oneof(
      { weight: 12, arbitrary: sends },
      { weight: 2, arbitrary: fc.constant<Act>({ act: 'ping' }) },
      ...(closing > 0
        ? [
            { weight: closing, arbitrary: closes },
            { weight: 1, arbitrary: fc.constant<Act>({ act: 'sendBad' }) },
          ]
        : []),
    ),
    { maxLength: most },
  )
const delays = fc.oneof(
  { weight: 6, arbitrary: fc.constant('now' as const) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: LONGEST_USER_DELAY_MS }) },
  { weight: 1, arbitrary: fc.constant('forever' as const) },
)
const chance = (weight: number) =>
  weight === 0
    ? fc.constant(false)
    : fc.oneof(
        { weight: 10 - weight, arbitrary: fc.constant(false) },
        { weight, arbitrary: fc.constant(true) },
      )

/** `trouble`: how readily it closes and fails, 0 … 9. */
export const hooks = (trouble: number, takes: fc.Arbitrary<Hook['takes']> = delays) =>
  fc.record<Hook>({
    acts: acts(3, trouble),
    takes,
    later: acts(1, trouble),
    fails: chance(trouble),
  })
const NOTHING: Hook = { acts: [], takes: 'now', later: [], fails: false }
export const NO_SOURCE: Source = { kind: 'nothing', items: 0, everyMs: 0, end: 'stays' }

const sources = fc.record<Source>({
  kind: fc.constantFrom('nothing', 'nothing', 'observable', 'iterable'),
  items: fc.nat(5),
  everyMs: fc.nat(60),
  end: fc.constantFrom('stays', 'completes', 'errors'),
})

export const FORMS = ['stream', 'class', 'actor'] as const

/** Any handler. */
export const handlers: fc.Arbitrary<Behaviour> = fc.record({
  form: fc.constantFrom(...FORMS),
  open: fc.oneof(fc.constant(NOTHING), hooks(1)),
  message: fc.oneof(fc.constant(NOTHING), hooks(1), hooks(4)),
  close: fc.oneof(fc.constant(NOTHING), hooks(1)),
  source: sources,
})

/** Handlers that neither close nor fail nor take time. */
export const calmHandlers: fc.Arbitrary<Behaviour> = fc.record({
  form: fc.constantFrom(...FORMS),
  open: hooks(0, fc.constant('now')),
  message: hooks(0, fc.constant('now')),
  close: fc.constant(NOTHING),
  source: fc.constant(NO_SOURCE),
})

/** A class or stream that does nothing but look. */
export const watcher = (form: Behaviour['form'] = 'class'): Behaviour => ({
  form,
  open: NOTHING,
  message: NOTHING,
  close: NOTHING,
  source: NO_SOURCE,
})
export const hook = (parts: Partial<Hook>): Hook => ({ ...NOTHING, ...parts })

// ── moves ────────────────────────────────────────────────────────────────────────────────────────

export const waits = fc.record({
  do: fc.constant('wait' as const),
  ms: fc.oneof(fc.nat(5), fc.nat(60), fc.nat(700)),
})
export const speech = (who: fc.Arbitrary<Who>) =>
  fc.record({ do: fc.constantFrom('text' as const, 'bytes' as const), who, size: sizes })
export const goodbyes = (who: fc.Arbitrary<Who>, illegal = 1) =>
  fc.record({
    do: fc.constant('close' as const),
    who,
    code: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...LEGAL_CODES, 1005) },
      { weight: illegal, arbitrary: fc.constantFrom(...ILLEGAL_CODES) },
    ),
    reason: fc.constantFrom('', 'bye'),
  })
export const plainMoves = (who: fc.Arbitrary<Who>, ...moves: PlainMove[]) =>
  fc.record({ do: fc.constantFrom(...moves), who })
export const drains = fc.record({
  do: fc.constant('drain' as const),
  code: fc.constantFrom(1001 as const, 1012 as const),
})
const freezes = fc.record({ do: fc.constant('freeze' as const), ms: fc.nat(900) })
const steps = fc.record({
  do: fc.constant('stepWall' as const),
  ms: fc.integer({ min: -100_000, max: 100_000 }),
})

export const anyone = (peers: number) =>
  fc.constantFrom(...([0, 1, 2, 3].slice(0, peers) as [Who, ...Who[]]))

/** Everything that can happen. */
export const anyMove = (who: fc.Arbitrary<Who>): fc.Arbitrary<Move> =>
  fc.oneof(
    { weight: 10, arbitrary: speech(who) },
    { weight: 10, arbitrary: waits },
    { weight: 3, arbitrary: plainMoves(who, 'ping', 'pong') },
    { weight: 3, arbitrary: goodbyes(who) },
    { weight: 2, arbitrary: plainMoves(who, 'stall', 'resume', 'resume') },
    { weight: 2, arbitrary: plainMoves(who, 'breach', 'cut', 'reset', 'vanish', 'deaf', 'rude') },
    { weight: 1, arbitrary: freezes },
    { weight: 1, arbitrary: drains },
    { weight: 1, arbitrary: steps },
  )

/** What a peer does that stays to the end, reads, and answers. */
export const kindMove = (who: fc.Arbitrary<Who>): fc.Arbitrary<Move> =>
  fc.oneof(
    { weight: 6, arbitrary: speech(who) },
    { weight: 6, arbitrary: waits },
    { weight: 2, arbitrary: plainMoves(who, 'ping', 'pong') },
    { weight: 1, arbitrary: goodbyes(who, 0) },
    { weight: 1, arbitrary: drains },
  )

export const movesOf = (
  move: fc.Arbitrary<Move>,
  { peers = 1, minLength = 0, maxLength = 10 } = {},
): fc.Arbitrary<Move[]> =>
  fc.array(move, { minLength, maxLength }).map((moves) => [...dialled(peers), ...moves])

function dialled(peers: number): Move[] {
  return [0, 1, 2, 3].slice(0, peers).map((who) => ({ do: 'dial', who: who as Who }))
}

// ── settings ─────────────────────────────────────────────────────────────────────────────────────

const maybe = <T>(value: fc.Arbitrary<T>, freq = 2) => fc.option(value, { nil: undefined, freq })

/** Small bounds, so that scripts reach them. */
export const settings: fc.Arbitrary<Settings> = fc
  .record({
    latencyMs: fc.nat(20),
    bufferBytes: maybe(fc.integer({ min: 1, max: 1_000 })),
    slow: fc.constantFrom(
      'close' as const,
      'drop-oldest' as const,
      'latest' as const,
      'pause' as const,
    ),
    maxOutboundBytes: maybe(fc.integer({ min: 1, max: 1_000 })),
    maxOutboundMessages: maybe(fc.integer({ min: 1, max: 8 })),
    maxHeldBytes: maybe(fc.integer({ min: 1, max: 500 })),
    maxHeldMessages: maybe(fc.integer({ min: 1, max: 4 })),
    maxControlFramesPer10s: maybe(fc.integer({ min: 1, max: 5 }), 1),
    handshakeTimeoutMs: fc.integer({ min: 1, max: 400 }),
    openTimeoutMs: fc.integer({ min: 1, max: 400 }),
    handlerTimeoutMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 500 })),
    stallTimeoutMs: fc.integer({ min: 50, max: 2_000 }),
    closeTimeoutMs: fc.integer({ min: 1, max: 400 }),
    pingIntervalMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 500 })),
    pingTimeoutMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 500 })),
  })
  .map(defined)

/** The library's own bounds, which no script reaches, and no pings. */
export const wideSettings: fc.Arbitrary<Settings> = fc.record({
  latencyMs: fc.nat(20),
  closeTimeoutMs: fc.integer({ min: 100, max: 400 }),
  pingIntervalMs: fc.constant(0),
})

function defined(all: Record<string, unknown>): Settings {
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as unknown as Settings
}

// ── scripts ──────────────────────────────────────────────────────────────────────────────────────

const preparations = fc.oneof(
  { weight: 8, arbitrary: fc.constant('nothing' as const) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('throws' as const, 'refuses' as const, 'hangs' as const),
  },
  { weight: 1, arbitrary: fc.nat(LONGEST_USER_DELAY_MS) },
)

export interface ScriptArbitraries {
  readonly settings?: fc.Arbitrary<Settings>
  readonly preparation?: fc.Arbitrary<Script['preparation']>
  readonly handlers?: fc.Arbitrary<readonly Behaviour[]>
  readonly moves?: fc.Arbitrary<readonly Move[]>
}

export function scripts(parts: ScriptArbitraries = {}): fc.Arbitrary<Script> {
  return fc
    .record({
      settings: parts.settings ?? settings,
      preparation: parts.preparation ?? fc.constant('nothing' as const),
      handlers: parts.handlers ?? handlers.map((handler) => [handler]),
      moves: parts.moves ?? movesOf(anyMove(fc.constant(0))),
    })
    .map((made) => new Script(made))
}

/** One connection, and everything that can befall it. */
export const anyScript = scripts({ preparation: preparations })

/** A well-behaved peer and a calm handler within wide bounds. */
export const calmScript = scripts({
  settings: wideSettings,
  handlers: calmHandlers.map((handler) => [handler]),
  moves: movesOf(kindMove(fc.constant(0))),
})
